"""docs/coverage.md: what it says, and how it is compared with the tests of the tree."""

import re
from collections import Counter
from itertools import zip_longest
from pathlib import Path

PATH = "docs/coverage.md"
STATES = ("proved", "in part", "not yet")  # from the best to the worst
REMEDY = "tools/scenarios.py --write"
MISSING = "**missing**: "
CLAIM = re.compile(rf"^\| ([AR][\d.]+) \| ({'|'.join(STATES)}) \|")

HEAD = """\
# Coverage of promises

<!-- Written by `tools/scenarios.py --write`; do not edit. -->

Which tests prove which scenarios and rows of [scenarios.md](scenarios.md).

| | proved | in part | not yet | in all |
|---|---|---|---|---|
| scenarios | {scenarios} |
| rows | {rows} |

- **Proved** is a scenario when tests carry its id, and *Tested in part* of scenarios.md names
  nothing that they leave open; a row when a test carries the row's own id, the same holds, and each
  scenario that it names is proved. Several tests of one id prove it together.
- **In part**: some of this is there, and the last column says what is missing.
- **Not yet**: none of it is.

**What this page claims.** Each test named here is in the tree, is not marked as skipped, and
carries the id because its author says that it fails when the behaviour is missing. `make check`
fails when the page is not what the tests say, and names each claim whose tests are gone.

**What it does not.** An id is its author's word. No program reads a test and judges whether it
proves the sentence, and this page does not know whether it passed, or skipped itself on a machine
that lacks what it needs. What keeps it honest: whoever writes a test breaks the code on purpose and
sees it fail ([CONTRIBUTING](../CONTRIBUTING.md)), a review reads test and sentence together, and
continuous integration runs every test named here. GPUs are emulated: nothing has run on a real one
yet. Tests from end to end divide the times that can be set by 50 ([scenarios.md](scenarios.md),
*Times and numbers*).
"""


def _tally(coverage, kind):
    states = Counter(part.state for name, part in coverage.items() if name[0] == kind)
    return " | ".join(str(states[state]) for state in STATES) + f" | {sum(states.values())}"


def _code(name):
    return "`" + name.replace("|", "\\|").replace("`", "'") + "`"


def _cell(part):
    """Returns tests by file, and what is missing."""
    names = {}
    for test in part.tests:
        names.setdefault(test.path, []).append(test.name)
    lines = []
    for path, found in names.items():
        named = ", ".join(_code(name) for name in found if name)
        lines.append(f"[{path}](../{path})" + (f": {named}" if named else ""))
    if part.missing:
        lines.append(MISSING + "; ".join(part.missing))
    return "<br>".join(lines)


def render(document, coverage):
    """Returns the whole page as text."""
    head = HEAD.format(scenarios=_tally(coverage, "A"), rows=_tally(coverage, "R"))
    lines = [head, "## Scenarios", "", "| id | state | promise | tests |", "|---|---|---|---|"]
    for name, title in document.scenarios.items():
        lines.append(f"| {name} | {coverage[name].state} | {title} | {_cell(coverage[name])} |")
    lines += ["", "## Rows", "", "| id | state | behaviour | accepted when | through | tests |"]
    lines += ["|---|---|---|---|---|---|"]
    for name, row in document.rows.items():
        through = ", ".join(row.scenarios) or "-"
        words = f"{row.behaviour} | {row.accepted} | {through} | {_cell(coverage[name])}"
        lines.append(f"| {name} | {coverage[name].state} | {words} |")
    return "\n".join(lines) + "\n"


def _claims(page):
    """Returns id -> (line, state) of a page."""
    matches = ((n, CLAIM.match(line)) for n, line in enumerate(page.split("\n"), 1))
    return {match.group(1): (number, match.group(2)) for number, match in matches if match}


def _lost(old, new):
    """Yields (line, id, old state, new state) for each claim of `old` that `new` does not make."""
    states = {name: state for name, (_, state) in _claims(new).items()}
    for name, (line, state) in _claims(old).items():
        now = states.get(name, STATES[-1])
        if STATES.index(now) > STATES.index(state):
            yield line, name, state, now


def differences(root, page):
    """Returns what is wrong with the page in the tree, as lines of text that say what to do."""
    path = Path(root, PATH)
    if not path.exists():
        return [f"{PATH} is missing; write it with {REMEDY}, and commit it"]
    old = path.read_text(encoding="utf-8")
    lines = []
    for line, name, claimed, _ in _lost(old, page):
        row = next((row for row in page.split("\n") if row.startswith(f"| {name} |")), "")
        missing = row.partition(MISSING)[2].rstrip(" |")
        fact = f"this is missing: {missing}" if missing else "its tests are gone"
        advice = f"bring back what proved it, with [{name}], or withdraw the claim with {REMEDY}"
        lines.append(f"{PATH}:{line}: claims that {name} is {claimed}, but {fact}; {advice}")
    if old != page and not lines:
        pairs = zip_longest(old.split("\n"), page.split("\n"), fillvalue="")
        differing = [(n, a + b) for n, (a, b) in enumerate(pairs, 1) if a != b]
        # A line of an id tells more than the counts above all of them.
        first = next((n for n, both in differing if CLAIM.match(both)), differing[0][0])
        lines.append(f"{PATH}:{first}: not what the tests say; run {REMEDY}, and commit the file")
    return lines


def write(root, page):
    """Writes the page; returns lines that tell which claims it no longer makes."""
    path = Path(root, PATH)
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(page, encoding="utf-8")
    told = [f"{PATH}: {name} was {was}, is {now}" for _, name, was, now in _lost(old, page)]
    return told + [f"{PATH}: written"]
