#!/usr/bin/env python3
"""Looks whether what docs/troubleshooting.md and docs/operations.md name is there.

Whoever reads them is in trouble already, and types what stands there. Judged is what can be told
by its shape: events, commands with their options, keys, findings of the doctor, metrics, alerts,
words of the API, lines of the systemd unit and links. Without a mistake nothing is printed and the
exit status is 0.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("docs/troubleshooting.md", "docs/operations.md")
EVENTS = "docs/events.md"
KEYS = "docs/configuration.md"
METRICS = "docs/metrics.md"
ALERTS = "docs/monitoring.md"
FINDINGS = "docs/doctor.md"
API = "docs/http-api.md"
ERRORS = "docs/errors.md"
UNIT = "packaging/systemd/windlass.service"
COMMANDS = "src/cli/command_line*.cpp"
# Commands whose next word is an action of theirs, and no name of somebody's model.
WITH_ACTIONS = {"config", "drill", "incidents", "jobs", "models", "workers"}

SPAN = re.compile(r"`([^`\n]+)`")
STRING = re.compile(r'"((?:\\.|[^"\\\n])*)"')
ROW = re.compile(r"^\| ((?:`[^`]+`(?:, )?)+)", re.M)
SUBCOMMAND = re.compile(r'add_subcommand\(\s*"([a-z]+)"')
OPTION = re.compile(r"--[a-z][a-z-]*")
LINK = re.compile(r"\]\(([^)\s]+)\)")
COMMAND = re.compile(r"^(?:[$#] )?(?:\S*/)?windlass ([a-z][^|;&<>#]*)")
WORD = r"[a-z]+(?:_[a-z]+)*"
SNAKE = re.compile(r"^[a-z]+(?:_[a-z]+)+$")
EVENT = re.compile(rf"^({WORD})\.({WORD})$")
SETTING = re.compile(rf"^({WORD}) = ")
METRIC = re.compile(r"^(windlass_[a-z_]+)")
ALERT = re.compile(r"^Windlass[A-Z][A-Za-z]+$")
REQUEST = re.compile(r"^(?:GET|POST) /\S*$")
UNIT_LINE = re.compile(r"^[A-Z][A-Za-z]+=.+$")
HEADER = re.compile(r"^X-Windlass-[A-Za-z-]+$")


def first_cells(page):
    """What the first cells of its tables name."""
    return {name for cells in ROW.findall(page) for name in SPAN.findall(cells)}


def slug(heading):
    """The anchor that GitHub gives to this heading."""
    kept = re.sub(r"[^\w\- ]", "", SPAN.sub(r"\1", heading.strip().lower()))
    return kept.replace(" ", "-")


def anchors_of(page):
    return {slug(heading) for heading in re.findall(r"^#+ (.*)$", page, re.M)}


class Known:
    """What there is, read from the pages that other tests hold to the code, and from the code."""

    def __init__(self, root):
        names = (EVENTS, KEYS, METRICS, ALERTS, FINDINGS, API, ERRORS)
        text = {name: (root / name).read_text(encoding="utf-8") for name in names}
        self.root = root
        self.events = {name for name in first_cells(text[EVENTS]) if EVENT.match(name)}
        self.fields = {event.split(".")[0] for event in self.events}
        self.keys = first_cells(text[KEYS])
        self.metrics = first_cells(text[METRICS])
        self.alerts = first_cells(text[ALERTS])
        self.api = text[API]
        self.unit = (root / UNIT).read_text(encoding="utf-8").split("\n")
        self.words = {
            word for name in (ERRORS, API, EVENTS) for span in SPAN.findall(text[name])
            for word in re.findall(WORD, span)
        }
        self.words |= self.keys | first_cells(text[FINDINGS])
        sources = "\n".join(path.read_text(encoding="utf-8") for path in root.glob(COMMANDS))
        self.commands = set(SUBCOMMAND.findall(sources))
        literals = STRING.findall(sources)
        self.actions = set(literals)
        self.options = {option for literal in literals for option in OPTION.findall(literal)}


def mistakes_of_command(line, known):
    line = line.split("  ")[0]  # behind that, a page or a program says what the command does
    words = line.split()
    command = words[0]
    if command not in known.commands:
        yield f"there is no command `windlass {command}`"
        return
    action = words[1] if len(words) > 1 else ""
    if command in WITH_ACTIONS and action.isalpha() and action.islower():
        if action not in known.actions:
            yield f"`windlass {command}` has no action `{action}`"
    for option in OPTION.findall(line):
        if option not in known.options:
            yield f"no command has an option `{option}`"


def mistakes_of_span(span, known):
    """Yields what is wrong with the code span, as far as its shape tells what it is."""
    if command := COMMAND.match(span):
        yield from mistakes_of_command(command[1], known)
    elif metric := METRIC.match(span):
        if metric[1] not in known.metrics:
            yield f"`{span}` is no metric of {METRICS}"
    elif ALERT.match(span):
        if span not in known.alerts:
            yield f"`{span}` is no alert of {ALERTS}"
    elif (event := EVENT.match(span)) and event[1] in known.fields:
        if span not in known.events:
            yield f"`{span}` is no event of {EVENTS}"
    elif setting := SETTING.match(span):
        if setting[1] not in known.keys:
            yield f"`{setting[1]}` is no key of {KEYS}"
    elif REQUEST.match(span) or HEADER.match(span):
        if span not in known.api:
            yield f"`{span}` does not stand in {API}"
    elif UNIT_LINE.match(span):
        if span not in known.unit:
            yield f"`{span}` is no line of {UNIT}"
    elif SNAKE.match(span) and span not in known.words:
        yield f"`{span}` is no key, no finding of the doctor and no word of the API"


def mistakes_of_link(target, page, known):
    if "://" in target:
        return
    name, _, anchor = target.partition("#")
    path = (known.root / page).parent / name if name else known.root / page
    if not path.exists():
        yield f"there is no file {name}"
    elif anchor and anchor not in anchors_of(path.read_text(encoding="utf-8")):
        yield f"{name or 'this page'} has no heading #{anchor}"


def mistakes_of_page(page, known):
    """Yields (line, what is wrong there)."""
    is_fenced = False
    text = (known.root / page).read_text(encoding="utf-8")
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("```"):
            is_fenced = not is_fenced
        elif is_fenced:
            if command := COMMAND.match(line.strip()):
                yield from ((number, m) for m in mistakes_of_command(command[1], known))
        else:
            for span in SPAN.findall(line):
                yield from ((number, m) for m in mistakes_of_span(span, known))
            for target in LINK.findall(line):
                yield from ((number, m) for m in mistakes_of_link(target, page, known))


def main(root=ROOT):
    known = Known(Path(root))
    failed = False
    for page in PAGES:
        for number, mistake in mistakes_of_page(page, known):
            failed = True
            print(f"{page}:{number}: {mistake}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
