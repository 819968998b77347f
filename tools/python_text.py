"""What the lint knows of Python text, from its syntax tree: functions, sleeps, swallowed errors."""

import ast

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
WIDE = ("Exception", "BaseException")
# A handler that calls one of these has told somebody.
REPORTS = {"log", "debug", "info", "warning", "warn", "error", "exception", "critical"}
REPORTS |= {"send_error", "report", "print_exc", "print_exception", "set_exception"}
# Calls that take an exception without handing it on.
TEXT_ONLY = {"str", "repr", "type", "print", "format", "isinstance", "bool", "id"}
HANDLED_MARK = "lint: handled,"


def name_of(node):
    """Returns the last part of a name or attribute (`b` of `a.b`); "" for anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def functions(tree):
    """Returns (line, lines, name) of every function."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, FUNCTIONS)]
    return [(node.lineno, node.end_lineno - node.lineno + 1, node.name) for node in nodes]


def sleeps(tree):
    """Yields the line of every call of a function named sleep, but sleep(0), which only yields, and
    of every wait(SECONDS) for an event that nobody can set."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if name_of(node.func) == "sleep":
            first = node.args[0] if node.args else None
            if not (isinstance(first, ast.Constant) and first.value == 0):
                yield node.lineno
        elif _is_wait(node.func) and (node.args or node.keywords):
            if _is_new_event(node.func.value):
                yield node.lineno


def _is_wait(node):
    return isinstance(node, ast.Attribute) and node.attr == "wait"


def _is_new_event(node):
    return isinstance(node, ast.Call) and name_of(node.func) == "Event"


def swallowed_errors(tree):
    """Yields (line, message) for a bare except and for wide handlers that tell nobody."""
    errors = _errors_imported(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and name_of(node.func) == "suppress":
            if any(name_of(argument) in WIDE for argument in node.args):
                yield node.lineno, "suppress(Exception) swallows every error; name those you expect"
        if not isinstance(node, ast.ExceptHandler):
            continue
        if node.type is None:
            yield node.lineno, "bare except; name what you expect"
            continue
        types = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        is_wide = any(name_of(kind) in WIDE for kind in types)
        told = any(_tells(inner, node.name, errors) for inner in _walk_here(node.body))
        if is_wide and not told:
            yield node.lineno, (
                "swallows every error; raise, return a typed error, report it, or hand it on "
                f"(or say why not: `# {HANDLED_MARK} REASON`)"
            )


def _errors_imported(tree):
    """Returns the names that the file imports from a module called `errors`."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[-1] == "errors":
            found |= {alias.asname or alias.name for alias in node.names}
    return found


def _walk_here(nodes):
    """Walks statements without entering functions and classes defined in them."""
    pending = list(nodes)
    while pending:
        node = pending.pop()
        if not isinstance(node, (*FUNCTIONS, ast.Lambda, ast.ClassDef)):
            yield node
            pending.extend(ast.iter_child_nodes(node))


def _tells(node, caught, errors):
    """Whether one node of a handler raises, makes a typed error, tells somebody or hands it on.

    `caught` is the name that the handler gave to the exception; making text of it hands nothing on.
    """
    if isinstance(node, ast.Raise):
        return True
    if isinstance(node, ast.Assign):
        return caught is not None and name_of(node.value) == caught
    if not isinstance(node, ast.Call):
        return False
    name = name_of(node.func).lstrip("_")
    owner = name_of(node.func.value) if isinstance(node.func, ast.Attribute) else ""
    if name in REPORTS or name.endswith(("Error", "error")) or name in errors or owner == "errors":
        return True
    if caught is not None and name not in TEXT_ONLY:
        if any(isinstance(value, ast.Name) and value.id == caught for value in node.args):
            return True
    if name == "print":
        return any(k.arg == "file" and name_of(k.value) == "stderr" for k in node.keywords)
    return name == "write" and owner == "stderr"
