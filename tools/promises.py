#!/usr/bin/env python3
"""Compares docs/proof.md, "The promises", with what the oracle looks at.

The promises are the table in tests/world/invariants.cpp. The page must have a row for each, in the
same order and the same words, and what it quotes must be what the oracle can say. Without a
mistake nothing is printed and the exit status is 0.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = "tests/world/invariants.cpp"
ORACLE = ("tests/world", "tests/simulation", "tests/exploration")
DOCUMENT = "docs/proof.md"
HEADING = "## The promises"

STRING = re.compile(r'"((?:\\.|[^"\\\n])*)"')
STRINGS = r'((?:"(?:\\.|[^"\\\n])*"\s*)+)'
PROMISE = re.compile(r"Promise\{Invariant::\w+,\s*Moment::\w+,\s*" + STRINGS + r",\s*\w+\}")
LITERAL = re.compile(STRINGS)


def joined(literals):
    return "".join(STRING.findall(literals))


def promises_of(table):
    """The sentences of the table, in its order."""
    return [joined(literals) for literals in PROMISE.findall(table)]


def sayings_of(sources):
    """All that the oracle can say, with ".." for what it fills in."""
    return {re.sub(r"\{[^{}]*\}", "..", joined(found)) for found in LITERAL.findall(sources)}


def rows_of(page):
    """(number of the line, promise, what is quoted in its row) of the first table there."""
    rows = []
    lines = iter(enumerate(page.split("\n"), 1))
    for _, line in lines:
        if line == HEADING:
            break
    for number, line in lines:
        if line.startswith("## "):
            break
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 2 and cells[0] not in ("promise", "---"):
            rows.append((number, cells[0], STRING.findall(cells[1])))
    return rows


def mistakes_of(promises, sayings, rows):
    """Yields (line, what is wrong there)."""
    written = [promise for _, promise, _ in rows]
    for promise in promises:
        if promise not in written:
            yield 1, f'has no row for "{promise}", which {TABLE} promises; add it'
    for number, promise, quotes in rows:
        if promise not in promises:
            yield number, f'"{promise}" is not promised in {TABLE}; take its words from there'
        for quote in quotes:
            if not any(quote.strip(".").strip() in saying for saying in sayings):
                yield number, f'nothing in {", ".join(ORACLE)} says "{quote}"; quote what does'
    known = [promise for promise in written if promise in promises]
    if sorted(known) == sorted(promises) and known != promises:
        yield rows[0][0], f"the rows stand in another order than the promises in {TABLE}"


def main(root=ROOT):
    root = Path(root)
    sources = [path for folder in ORACLE for path in sorted((root / folder).glob("*.cpp"))]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    promises = promises_of((root / TABLE).read_text(encoding="utf-8"))
    rows = rows_of((root / DOCUMENT).read_text(encoding="utf-8"))
    mistakes = list(mistakes_of(promises, sayings_of(text), rows))
    if not promises:
        mistakes.append((1, f"no promise is found in {TABLE}; this program reads `Promise{{..}}`"))
    for number, mistake in mistakes:
        print(f"{DOCUMENT}:{number}: {mistake}")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
