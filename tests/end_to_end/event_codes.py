"""The codes of events: those in the sources, and those on the page that tells of them."""

import collections
import re

from support import ROOT

PAGE = ROOT / "docs" / "events.md"
CODE = re.compile(r'"([a-z_]+\.[a-z_]+)"')
CALL = re.compile(r"\b(?:log::(?:info|warning|error|write)|sink)\(")
FIELD = re.compile(r'\{\s*"([a-z_]+)",')


def arguments_of(text, begin):
    """What stands between the parenthesis before `begin` and its partner."""
    depth, at = 1, begin
    in_text = False
    while depth:
        c = text[at]
        if in_text:
            at += c == "\\"
            in_text = c != '"'
        elif c == '"':
            in_text = True
        else:
            depth += (c == "(") - (c == ")")
        at += 1
    return text[begin : at - 1]


def sources():
    for folder in ("daemon", "http"):
        for path in sorted((ROOT / "src" / folder).rglob("*")):
            if path.suffix in (".cpp", ".h") and "test" not in path.name:
                yield re.sub(r"//.*", "", path.read_text())
    # What the journal says in the engine's name.
    yield 'log::info("%s")' % '"); log::info("'.join(engine_codes())


def engine_codes():
    return CODE.findall((ROOT / "src" / "core" / "event_code.cpp").read_text())


def codes_of_sources():
    """code -> the fields of calls that list them where they are; None: they are gathered before."""
    found = collections.defaultdict(set)
    gathered = set(engine_codes())
    for text in sources():
        for call in CALL.finditer(text):
            arguments = arguments_of(text, call.end())
            for code in CODE.findall(arguments)[:1]:
                found[code].update(FIELD.findall(arguments))
                if re.search(r"\bfields\b|\{&", arguments):
                    gathered.add(code)
    return {code: None if code in gathered else fields for code, fields in found.items()}


def codes_of_page():
    """code -> its fields; None: its table has no column of them."""
    found = {}
    columns, before = [], set()
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if cells and cells[0] == "event":
            columns = cells
        if not cells or not cells[0].startswith("`") or "event" not in columns:
            continue
        if "fields" not in columns:
            found[cells[0].strip("`")] = None
            continue
        text = cells[columns.index("fields")]
        named = set(re.findall(r"`([a-z_]+)`", re.sub(r"\([^)]*\)", "", text)))
        before = before | named if text.startswith("the same") else named
        found[cells[0].strip("`")] = before
    return found
