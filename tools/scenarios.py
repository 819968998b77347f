#!/usr/bin/env python3
"""Says which acceptance scenarios and rows of docs/scenarios.md have tests.

A test carries an id in its name or docstring, in brackets: [A0.6] or [R13]. Without arguments it
prints every id with its tests; --missing prints those without, --check only mistakes. A mistake is
an id in a test that the document lacks, or a contradiction in the document; the exit status is 1.
"""

import argparse
import re
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from source_tree import paths_of, read  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = "docs/scenarios.md"
ROWS = 158
SCENARIO = re.compile(r"^- \*\*\[(A\d+\.\d+)\]\*\* ")
ROW = re.compile(r"^\| \[(R\d+)\] \|.*\|([^|]*)\|$")
ID = re.compile(r"\[(A\d+\.\d+|R\d+)\]")


class Document:
    """What docs/scenarios.md defines."""

    def __init__(self, text):
        self.scenarios = []  # ids in their order
        self.rows = {}  # id -> ids of the scenarios that accept it
        self.mistakes = []  # (line, message)
        for number, line in enumerate(text.split("\n"), 1):
            scenario, row = SCENARIO.match(line), ROW.match(line)
            name = (scenario or row).group(1) if scenario or row else None
            if name and name in {*self.scenarios, *self.rows}:
                self.mistakes.append((number, f"{name} is defined twice"))
            elif scenario:
                self.scenarios.append(name)
            elif row:
                self.rows[name] = re.findall(r"A\d+\.\d+", row.group(2))
                for unknown in set(self.rows[name]) - set(self.scenarios):
                    self.mistakes.append((number, f"{name} names {unknown}, which is not defined"))
        for number in range(1, ROWS + 1):
            if f"R{number}" not in self.rows:
                self.mistakes.append((1, f"row R{number} is missing"))

    def __contains__(self, name):
        return name in self.rows or name in self.scenarios


def tests_of(root):
    """Returns id -> sorted places ("path:line") in tests that carry it."""
    found = defaultdict(set)
    for path in paths_of(root):
        file = read(root, path) if not path.startswith("tools/") else None
        if file is None or not file.is_test:
            continue
        for match in ID.finditer(file.text):
            found[match.group(1)].add((path, file.line_of(match.start())))
    return {name: [f"{path}:{line}" for path, line in sorted(at)] for name, at in found.items()}


def state_of(name, document, tests):
    """Returns the tests of one id as text: its own, those of its scenarios, or ""."""
    if name in tests:
        return ", ".join(tests[name])
    through = document.rows.get(name, [])
    if through and all(scenario in tests for scenario in through):
        return "through " + ", ".join(through)
    return ""


def mistakes_of(document, tests):
    """Returns what --check complains of, as lines of text."""
    lines = [f"{DOCUMENT}:{number}: {message}" for number, message in document.mistakes]
    for name, places in sorted(tests.items()):
        if name not in document:
            lines += [f"{place}: [{name}] is not in {DOCUMENT}" for place in places]
    return lines


def main(arguments=None, root=ROOT):
    """Prints what was asked for and returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--check", action="store_true", help="print mistakes only")
    parser.add_argument("--missing", action="store_true", help="print the ids without tests")
    options = parser.parse_args(arguments)
    document = Document(Path(root, DOCUMENT).read_text(encoding="utf-8"))
    tests = tests_of(root)
    mistakes = mistakes_of(document, tests)
    for line in mistakes:
        print(line)
    covered = {"A": 0, "R": 0}
    for name in [*document.scenarios, *document.rows]:
        state = state_of(name, document, tests)
        covered[name[0]] += bool(state)
        if not options.check and not (state and options.missing):
            print(f"{name:6} {state or '-'}")
    scenarios = f"{covered['A']} of {len(document.scenarios)} scenarios"
    print(f"scenarios: {scenarios} and {covered['R']} of {len(document.rows)} rows have tests")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
