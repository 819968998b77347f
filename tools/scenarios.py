#!/usr/bin/env python3
"""Says which acceptance scenarios and rows of docs/scenarios.md have tests.

A test carries an id in its name or docstring, in brackets: [A0.6] or [R13]. Without arguments it
prints the state of every id; --missing those that are not proved; --write writes docs/coverage.md.
--check prints only mistakes, and the exit status is 1 if there is one: an id that counts for
nothing, a document that contradicts itself, a docs/coverage.md that is not what the tests say.
"""

import argparse
import re
import sys
from collections import Counter, namedtuple
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import coverage_page  # noqa: E402  (found beside this file, from wherever it is run)
import named_tests  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = "docs/scenarios.md"
ROWS = 158
SCENARIO = re.compile(r"^- \*\*\[(A\d+\.\d+)\]\*\* (\*[^*]+\*)?")
ROW = re.compile(r"^\| \[(R\d+)\] \|[^|]*\|[^|]*\|([^|]*)\|([^|]*)\|([^|]*)\|$")
GAP = re.compile(r"^- (A\d+\.\d+|R\d+): (.*)")
PROVED, IN_PART, NOT_YET = coverage_page.STATES

Row = namedtuple("Row", "behaviour accepted scenarios")
Coverage = namedtuple("Coverage", "state tests missing")  # missing: what is not proved, as phrases


class Document:
    """What docs/scenarios.md defines."""

    def __init__(self, text):
        self.scenarios = {}  # id -> title
        self.rows = {}  # id -> Row
        self.gaps = {}  # id -> (line, what its tests do not show)
        self.mistakes = []  # (line, message)
        for number, line in enumerate(text.split("\n"), 1):
            for pattern, define in ((SCENARIO, self._add), (ROW, self._add_row), (GAP, self._gap)):
                match = pattern.match(line)
                if match:
                    define(number, *match.groups())
        for number in range(1, ROWS + 1):
            if f"R{number}" not in self.rows:
                self.mistakes.append((1, f"row R{number} is missing"))

    def _is_new(self, number, name):
        if name in self:
            self.mistakes.append((number, f"{name} is defined twice"))
        return name not in self

    def _add(self, number, name, title):
        if self._is_new(number, name):
            self.scenarios[name] = (title or "").strip("*.")
            if not title:
                self.mistakes.append((number, f"{name} has no title; begin it with *a few words.*"))

    def _add_row(self, number, name, behaviour, accepted, scenarios):
        if self._is_new(number, name):
            accepting = re.findall(r"A\d+\.\d+", scenarios)
            self.rows[name] = Row(behaviour.strip(), accepted.strip(), accepting)
            for unknown in sorted(set(accepting) - set(self.scenarios)):
                self.mistakes.append((number, f"{name} names {unknown}, which is not defined"))

    def _gap(self, number, name, words):
        if name in self.gaps:
            self.mistakes.append((number, f"{name} is said twice to be tested in part; join them"))
        self.gaps[name] = (number, words.strip().rstrip("."))

    def __contains__(self, name):
        return name in self.rows or name in self.scenarios


def coverage_of(document, tests):
    """Returns id -> Coverage, in the order of the document."""
    found = {}
    for name in document.scenarios:
        missing = [document.gaps[name][1]] if name in document.gaps else []
        own = tests.get(name, [])
        state = (IN_PART if missing else PROVED) if own else NOT_YET
        found[name] = Coverage(state, own, missing if own else [])
    for name, row in document.rows.items():
        own = tests.get(name, [])
        through = [found[scenario] for scenario in row.scenarios if scenario in found]
        missing = [] if own else ["a test of its own"]
        missing += [document.gaps[name][1]] if name in document.gaps else []
        for scenario in row.scenarios:
            state = found[scenario].state if scenario in found else NOT_YET
            words = {PROVED: None, IN_PART: "is proved in part", NOT_YET: "has no test"}[state]
            missing += [f"{scenario} {words}"] if words else []
        if not own and (not through or any(part.state == NOT_YET for part in through)):
            found[name] = Coverage(NOT_YET, [], [])
        else:
            found[name] = Coverage(IN_PART if missing else PROVED, own, missing)
    return found


def mistakes_of(document, tests, wrong):
    """Returns what is wrong with the document and with ids in tests, as lines of text."""
    lines = [f"{DOCUMENT}:{number}: {message}" for number, message in document.mistakes]
    for name, (number, _) in document.gaps.items():
        if name not in document:
            lines.append(f"{DOCUMENT}:{number}: {name} is not defined, and cannot lack anything")
        elif name not in tests:
            what = f"{name} has no test at all; take it from the list of what is tested in part"
            lines.append(f"{DOCUMENT}:{number}: {what}")
    for name, found in sorted(tests.items()):
        if name not in document:
            where = [f'{test.path}: "{test.name}"' for test in found]
            lines += [f"{place}: [{name}] is not in {DOCUMENT}" for place in where]
    return lines + [f"{path}:{line}: [{name}] {message}" for path, line, name, message in wrong]


def main(arguments=None, root=ROOT):
    """Does what was asked for and returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--check", action="store_true", help="print mistakes only")
    parser.add_argument("--missing", action="store_true", help="print the ids that are not proved")
    parser.add_argument("--write", action="store_true", help=f"write {coverage_page.PATH}")
    options = parser.parse_args(arguments)
    document = Document(Path(root, DOCUMENT).read_text(encoding="utf-8"))
    tests, wrong = named_tests.find(root)
    coverage = coverage_of(document, tests)
    mistakes = mistakes_of(document, tests, wrong)
    page = coverage_page.render(document, coverage)
    if options.write and mistakes:
        mistakes.append(f"{coverage_page.PATH} was not written; mend these first")
    elif options.write:
        print("\n".join(coverage_page.write(root, page)))
    elif options.check:
        mistakes += coverage_page.differences(root, page)
    for line in mistakes:
        print(line)
    for name, (state, found, missing) in coverage.items():
        if not options.check and not options.write and not (options.missing and state == PROVED):
            where = "; ".join([f"{test.path} {test.name}".strip() for test in found])
            print(f"{name:6} {state:8} {where}" + "".join(f"; missing: {m}" for m in missing))
    proved = Counter(name[0] for name, (state, _, _) in coverage.items() if state == PROVED)
    scenarios = f"{proved['A']} of {len(document.scenarios)} scenarios"
    print(f"scenarios: {scenarios} and {proved['R']} of {len(document.rows)} rows are proved")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
