"""The text files of this repository, as the tools beside this file read them."""

import ast
import bisect
import os
import re
import subprocess

import cpp_text

SKIPPED_FOLDERS = {".git", "node_modules", "__pycache__", ".venv", ".pytest_cache", ".ccache"}

KINDS = {".h": "cpp", ".hpp": "cpp", ".cpp": "cpp", ".cc": "cpp", ".c": "cpp", ".py": "python"}
KINDS[".sh"] = "shell"


class File:
    """A text file with the views of it that rules need, each made at most once."""

    def __init__(self, path, text):
        self.path = path  # relative to the root, with forward slashes
        self.text = text
        self.lines = text.split("\n")
        self.kind = KINDS.get(os.path.splitext(path)[1], "text")
        self._newlines = self._code = self._tree = self._syntax_error = None

    def line_of(self, offset):
        """Returns the number of the line that holds the character at `offset`."""
        if self._newlines is None:
            self._newlines = [match.start() for match in re.finditer("\n", self.text)]
        return bisect.bisect_left(self._newlines, offset) + 1

    @property
    def code(self):
        """C++ without comments and literals; any other text as it is."""
        if self._code is None:
            self._code = cpp_text.blank(self.text) if self.kind == "cpp" else self.text
        return self._code

    @property
    def tree(self):
        """The syntax tree of a Python file; an empty one if it does not parse."""
        if self._tree is None:
            try:
                self._tree = ast.parse(self.text if self.kind == "python" else "")
            except SyntaxError as error:
                self._syntax_error = error
                self._tree = ast.Module(body=[], type_ignores=[])
        return self._tree

    @property
    def syntax_error(self):
        """Why a Python file does not parse, or None."""
        _ = self.tree  # parses
        return self._syntax_error

    @property
    def is_test(self):
        """Whether this is test code, which some rules treat apart."""
        name = os.path.basename(self.path)
        stem = os.path.splitext(name)[0]
        inside = "/tests/" in self.path or "/testing/" in self.path  # the latter holds fakes
        in_folder = self.path.startswith(("tests/", "bench/")) or inside
        return in_folder or stem.endswith("_test") or name.startswith(("test_", "conftest."))

    @property
    def module(self):
        """The folder that rules go by: core for src/core/x.h, windlass for include/windlass/x.h."""
        parts = self.path.split("/")
        if parts[0] in ("src", "include"):
            parts = parts[1:]
        return parts[0] if len(parts) > 1 else None


def paths_of(root):
    """Lists the files of the tree: those git would keep, or all but build folders without git."""
    git = ["git", "-C", str(root), "ls-files", "-z", "-co", "--exclude-standard"]
    try:
        listed = subprocess.run(git, capture_output=True, timeout=20, check=True).stdout
        # Inside a checkout of something else git lists nothing of ours that is ignored there.
        if listed:
            return sorted(set(os.fsdecode(listed).rstrip("\0").split("\0")))
    except (OSError, subprocess.SubprocessError):
        pass  # no git here: walk
    found = []
    for folder, names, files in os.walk(root):
        names[:] = [n for n in names if n not in SKIPPED_FOLDERS and not n.startswith("build")]
        found += [os.path.relpath(os.path.join(folder, name), root) for name in files]
    return sorted(path.replace(os.sep, "/") for path in found)


def read(root, path):
    """Returns the File at `path`, or None if it is not a text file of ours."""
    parts = path.split("/")
    if parts[0].startswith("build") and len(parts) > 1 or SKIPPED_FOLDERS & set(parts):
        return None
    full = os.path.join(root, path)
    if not os.path.isfile(full) or os.path.islink(full):
        return None
    with open(full, "rb") as stream:
        content = stream.read()
    if b"\0" in content:
        return None
    return File(path, content.decode("utf-8", errors="replace"))
