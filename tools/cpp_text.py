"""What the lint knows of C++ text: code without comments and literals, and where functions lie.

A heuristic, not a parser: it must be right for code in this repository's format, and fast.
"""

import bisect
import re

_LITERAL = re.compile(
    r"""//[^\n]*(?:\\\n[^\n]*)*                                            # line comment
      | /\*.*?\*/                                                          # block comment
      | (?<![A-Za-z0-9_])(?:u8|[uUL])?R"(?P<d>[^()\\\s]{0,16})\(.*?\)(?P=d)"  # raw string
      | "(?:\\.|[^"\\\n])*"                                                # string
      | (?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])+'                               # character, not 1'000
    """,
    re.S | re.X,
)
_DECLARATION = re.compile(r"\s*[\w~}\[]")  # how one may begin, or its scope end
_NOT_NEWLINE = re.compile(r"[^\n]")


def blank(text):
    """Returns `text` with comments, strings and characters as spaces: same length, same lines."""
    return _LITERAL.sub(lambda match: _NOT_NEWLINE.sub(" ", match.group()), text)


def _without_directives(code):
    """Blanks preprocessor lines and all but the first branch of each #if, so that braces match."""
    lines = code.split("\n")
    skipping = []  # one entry per open #if: whether its current branch is left out
    continued = False
    for index, line in enumerate(lines):
        directive = re.match(r"\s*#\s*(\w*)", line)
        if continued or directive:
            word = "" if continued else directive.group(1)
            if word.startswith("if"):
                skipping.append(False)
            elif word.startswith("el") and skipping:
                skipping[-1] = True
            elif word == "endif" and skipping:
                skipping.pop()
            continued = line.endswith("\\")
            lines[index] = " " * len(line)
        elif any(skipping):
            lines[index] = " " * len(line)
    return "\n".join(lines)


def _without_nested(header, opening, closing):
    """Removes what stands between matching brackets; the outermost brackets stay."""
    between = f"[^{re.escape(opening + closing)}]*"
    pattern = re.compile(re.escape(opening) + between + re.escape(closing))
    while True:
        shorter = pattern.sub("\0", header)  # the innermost; the next round sees no bracket
        if shorter == header:
            return header.replace("\0", opening + closing)
        header = shorter


def _kind_of_brace(header):
    """Says what the brace after `header` opens: scope, function, init (of a member) or other."""
    plain = _without_nested(header.replace("->", "  "), "{", "}")
    plain = _without_nested(plain, "(", ")").strip()
    plain = re.sub(r"^((public|private|protected)\s*:\s*)+", "", plain)
    plain = re.sub(r"\btemplate\s*<>", "", _without_nested(plain, "<", ">")).strip()
    if re.match(r"enum\b", plain) or not plain:
        return "other"
    is_call_like = re.search(r"\)\s*(const|noexcept|override|final|mutable|\s)*$", plain)
    if re.match(r"(inline\s+)?namespace\b|extern$|(typedef\s+)?(class|struct|union)\b", plain):
        return "function" if is_call_like else "scope"
    if "(" not in plain or ("=" in plain and "operator" not in plain):
        return "other"
    if re.search(r"\)[\w\s()]*:(?!:)", plain) and re.search(r"[\w>]$", header):
        return "init"
    return "function"


class Function:
    """One function's body with its header: the line it begins on and how many lines it has."""

    def __init__(self, line, lines, name):
        self.line = line
        self.lines = lines
        self.name = name


def functions(blanked):
    """Finds the functions of already blanked code; a lambda belongs to the function around it."""
    code = _without_directives(blanked)
    newlines = [match.start() for match in re.finditer("\n", code)]
    found = []
    open_braces = []  # kinds, outermost first
    header_start = 0
    parentheses = 0
    for match in re.finditer(r"[{}();]", code):
        token, at = match.group(), match.start()
        at_scope = _at_scope(open_braces)
        if token == "{":
            header = code[header_start:at]
            kind = _kind_of_brace(header) if at_scope and parentheses == 0 else "other"
            open_braces.append(kind)
            if kind == "scope":
                header_start = at + 1
        elif token == "}":
            kind = open_braces.pop() if open_braces else "scope"
            if kind == "function":
                found.append(_function(code, newlines, header_start, at))
            # An initialiser goes on after its brace; where none does, a body was not recognised.
            ends = kind == "other" and parentheses == 0 and _DECLARATION.match(code, at + 1)
            if kind in ("function", "scope") or (ends and _at_scope(open_braces)):
                header_start, parentheses = at + 1, 0
        elif at_scope and token == ";":
            if parentheses == 0:
                header_start = at + 1
        elif at_scope:
            parentheses = max(0, parentheses + (1 if token == "(" else -1))
    return found


def _at_scope(open_braces):
    """Whether declarations are expected here, not statements or values."""
    return not open_braces or open_braces[-1] == "scope"


def _function(code, newlines, start, end):
    """Makes the record of the function whose header begins after `start` and ends at `end`."""
    start += len(code[start:end]) - len(code[start:end].lstrip())
    first = bisect.bisect_left(newlines, start) + 1
    last = bisect.bisect_left(newlines, end) + 1
    name = re.search(r"(operator\W{1,3}|[~\w:]+)\s*\(", code[start:end])
    return Function(first, last - first + 1, name.group(1) if name else "?")
