"""Which tests carry which ids, by the names under which a reader finds them.

An id counts where it is part of a test's name: in TEST_CASE("[A0.6] ...") in C++; in Python, whose
names cannot hold brackets, in the docstring of a test, or of a whole program that ctest runs.
"""

import ast
import re
from collections import defaultdict, namedtuple

import python_text
from source_tree import paths_of, read

ID = re.compile(r"\[(A\d+\.\d+|R\d+)\]")
PROGRAMS = "tests/CMakeLists.txt"  # its add_test() names the programs that are tests themselves
EXAMPLES = "tools/scenarios_test.py"  # its ids are about this file
LITERAL = r'"(?:\\.|[^"\\\n])*"'
CASE = re.compile(
    rf"\bTEST_CASE(?:_\w+)?\s*\(\s*(?:[\w:]+\s*,\s*)?((?:{LITERAL}\s*)+)([^{{;]*)", re.M
)
NEVER_FAILS = re.compile(r"\b(skip|may_fail|should_fail)\((true)?\)")

# What is wrong with an id is told in the words of a sentence that begins with the id.
STRAY = "stands outside a test's name; it counts in a TEST_CASE or in the docstring of a test"
SKIPPED = "is carried by a test that is skipped or may fail, which proves nothing; take it off"

Test = namedtuple("Test", "path name")  # no name: the whole program
Carrier = namedtuple("Carrier", "name text first last proves")  # of the lines that hold `text`


def cases(file):
    """Yields a Carrier for each test case of a C++ file."""
    for match in CASE.finditer(file.text):
        if file.code[match.start()] == "T":  # neither a comment nor a literal
            name = "".join(literal[1:-1] for literal in re.findall(LITERAL, match.group(1)))
            name = re.sub(r"\\(.)", r"\1", name)
            first, last = file.line_of(match.start()), file.line_of(match.end(1))
            yield Carrier(name, name, first, last, not NEVER_FAILS.search(match.group(2)))


def functions(file, is_program):
    """Yields a Carrier for each test function of a Python file, or for it as a program."""
    nodes = [file.tree] if is_program else []
    if re.search(r"(^|/)test_[^/]*\.py$|_test\.py$", file.path):
        found = (n for n in ast.walk(file.tree) if isinstance(n, python_text.FUNCTIONS))
        nodes += [node for node in found if node.name.startswith("test")]
    for node in nodes:
        text = ast.get_docstring(node)
        if text is None:
            continue
        marks = [ast.unparse(mark) for mark in getattr(node, "decorator_list", [])]
        proves = not any(re.search(r"\.(skip|xfail|expectedFailure)\b", mark) for mark in marks)
        docstring = node.body[0]
        name = getattr(node, "name", "")
        yield Carrier(name, text, docstring.lineno, docstring.end_lineno, proves)


def carriers(file, programs):
    """Yields a Carrier for everything in the file that may carry an id."""
    if file.kind == "cpp":
        yield from cases(file)
    elif file.kind == "python":
        is_test = file.path.startswith("tests/")
        yield from functions(file, is_test and file.path[len("tests/") :] in programs)


def find(root):
    """Returns id -> sorted Tests, and what is wrong with ids: (path, line, id, message)."""
    listing = read(root, PROGRAMS)
    programs = set(re.findall(r"[\w./-]+\.py", listing.text.replace("}/", " "))) if listing else {}
    found, wrong = defaultdict(set), []
    for path in paths_of(root):
        is_data = path.endswith(".json")  # that may name tests
        file = read(root, path) if path != EXAMPLES and not is_data else None
        if file is None or not file.is_test or not ID.search(file.text):
            continue
        lines = set()
        for carrier in carriers(file, programs):
            lines |= set(range(carrier.first, carrier.last + 1))
            for name in ID.findall(carrier.text):
                if carrier.proves:
                    found[name].add(Test(path, ID.sub("", carrier.name).strip()))
                else:
                    wrong.append((path, carrier.first, name, SKIPPED))
        for match in ID.finditer(file.text):
            line = file.line_of(match.start())
            if line not in lines:
                wrong.append((path, line, match.group(1), STRAY))
    return {name: sorted(tests) for name, tests in found.items()}, wrong
