#!/usr/bin/env python3
"""Checks the rules of this repository that no compiler checks. Needs no arguments; run it anywhere.

Prints `path:line: message [rule]` for each problem and exits with 1 if there is one. The tables
come first: who may include whom, and where a thing may be used. --rules lists the rules.
"""

import os
import re
import sys
from collections import namedtuple
from fnmatch import fnmatchcase
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import cpp_text  # noqa: E402  (found beside this file, from wherever it is run)
import python_text  # noqa: E402
from source_tree import paths_of, read  # noqa: E402

# --- Tables ------------------------------------------------------------------------------------

# Who may include whom. A module may always include itself. "windlass" is include/windlass/.
MAY_INCLUDE = {
    "base": set(),
    "core": {"base"},
    "recording": {"base", "core"},
    "wire": {"base"},
    "io": {"base"},
    "driver_abi": set(),
    "device": {"base", "wire", "io", "driver_abi"},
    "worker": {"base", "wire", "io"},
    "store": {"base", "wire", "io"},
    "http": {"base", "wire", "io"},
    "daemon": {"base", "core", "recording", "wire", "io", "device", "worker", "store", "http"},
    "guard": {"base", "wire", "driver_abi", "windlass"},
    "client": {"base", "wire", "windlass"},
    "sdk": {"base", "wire", "guard", "windlass"},
    "cli": {"base", "client", "windlass"},
    "windlass": set(),
    "emulator": {"base", "driver_abi"},
    "examples": {"windlass"},
}
ANYTHING = ("tests", "bench")  # these may include every module

# Files that may include more than their module may.
MAY_ALSO_INCLUDE = [
    ("src/daemon/emulation*", {"emulator"}),
    ("src/cli/serve*", {"daemon", "device", "worker"}),
    ("src/cli/driver_host*", {"daemon", "device", "worker"}),
    ("src/cli/worker_exec*", {"daemon", "device", "worker"}),
    ("src/cli/keeper*", {"daemon", "device", "worker"}),
    ("src/cli/tag_search*", {"worker"}),
    ("src/cli/evidence*", {"worker"}),
    ("src/cli/host_memory*", {"worker"}),
    ("src/cli/doctor*", {"daemon", "device", "worker", "io", "wire"}),
    ("src/cli/config*", {"daemon", "device", "worker"}),
    ("src/cli/ballast*", {"guard", "sdk", "driver_abi"}),
    ("src/cli/http_program*", {"sdk"}),
    ("src/cli/drill*", {"daemon", "device", "emulator", "io", "wire"}),
    ("src/cli/replay*", {"core", "recording"}),
    ("src/*_test.cpp", {"tests"}),
]

# Modules that stand on the standard library alone; `windlass` because users compile it.
STANDARD_LIBRARY_ONLY = ("core", "driver_abi", "windlass")
# What these may use all the same: making text of values touches nothing outside.
STANDARD_ENOUGH = [("src/core/*.cpp", "fmt/core.h")]

THREADS = ["thread", "mutex", "shared_mutex", "condition_variable", "atomic", "future", "latch"]
THREADS += ["stop_token", "semaphore", "barrier", "pthread.h"]
SYSTEM = ["sys/*", "linux/*", "netinet/*", "arpa/*", "unistd.h", "fcntl.h", "poll.h", "signal.h"]
SYSTEM += ["csignal", "spawn.h", "dlfcn.h", "netdb.h", "filesystem", "fstream"]
# Headers that may never stand in a module (its unit tests may use them).
FORBIDDEN_HEADERS = {
    "base": THREADS + SYSTEM,
    "recording": THREADS + SYSTEM + ["iostream", "ctime", "time.h"],
    "core": THREADS + SYSTEM + ["random", "iostream", "unordered_*", "ctime", "time.h", "locale"],
    "wire": THREADS + SYSTEM + ["iostream", "ctime", "time.h"],
    "driver_abi": THREADS + SYSTEM,
}

# A header that is costly or belongs to one place -> the files that may include it. The first
# pattern that matches a header counts. tests/, bench/ and examples/ are free.
HEAVY_HEADERS = [
    (
        "boost/beast*",
        ["src/http/beast.cpp", "src/http/request_parser.cpp", "src/http/*connection*.cpp"]
        + ["src/client/*"],
    ),
    ("boost/asio*", ["src/http/asio.cpp"]),
    ("boost/json*", ["src/*json*.cpp", "src/wire/*meta*.cpp"]),
    ("simdjson*", ["src/*json*.cpp"]),
    ("toml*", ["src/daemon/configuration_toml.cpp"]),
    ("CLI/*", ["src/cli/main.cpp", "src/cli/command_line*.cpp"]),
    ("spdlog/*", ["src/daemon/log.cpp"]),
    ("fmt/core.h", ["*"]),
    ("fmt/*", ["src/base/*.cpp", "src/daemon/log.cpp"]),
    ("sqlite3.h", ["src/store/sqlite/*"]),
    ("curses.h", ["src/cli/top_screen.cpp"]),
    ("libpq-fe.h", ["src/store/postgres/*"]),
    ("prometheus/*", ["src/daemon/metrics.cpp", "src/daemon/metrics_gauges.cpp"]),
    ("elfutils/*", ["src/worker/*evidence*.cpp"]),
    ("doctest*", ["*test*"]),
    ("benchmark/*", []),
    ("dlfcn.h", ["src/device/*", "src/guard/*", "emulator/*"]),
    ("cuda*", ["src/driver_abi/vendor_cuda_test.cpp"]),
    ("nvml.h", ["src/driver_abi/vendor_nvml_test.cpp"]),
]

# Text that may stand only in some files. `tests` says whether the ban holds for unit tests too.
Ban = namedtuple("Ban", "pattern scope allowed tests message")
LOCKED_FILES = ["src/io/mailbox*", "src/daemon/log*", "src/guard/*", "src/client/*", "src/sdk/*"]
LOCKED_FILES += ["src/cli/waiting_display*"]  # asks for the state while a call blocks
LOCKED_FILES += ["src/cli/top_watcher*"]  # asks while the screen waits for keys
LOCKED_FILES += ["src/cli/ballast*"]  # runs beside each other
LOCKED_FILES += ["src/cli/http_child*"]  # notices the end of a program while the worker waits
LOCKED_FILES += ["include/windlass/worker.h"]  # a request is cancelled while it runs
BANS = [
    Ban(
        r"\w_clock::now\b|\b(clock_gettime|gettimeofday)\b",
        ["src/base/*", "src/core/*", "src/recording/*", "src/wire/*"],
        [],
        True,
        "reads a clock; time comes in as an argument",
    ),
    Ban(
        r"\b(steady|system|high_resolution)_clock\b",
        ["src/core/*", "src/recording/*", "src/wire/*"],
        [],
        True,
        "names a real clock; use Instant and Duration of base",
    ),
    Ban(
        r"\b(secure_)?getenv\b",
        ["src/base/*", "src/core/*", "src/recording/*", "src/wire/*"],
        [],
        False,
        "reads the environment; settings come in as arguments",
    ),
    Ban(
        r"\bfmt::print\b|\bstd::(puts|f?printf|cout|cerr)\b",
        ["src/core/*", "src/recording/*", "src/wire/*"],
        [],
        False,
        "prints; return an error or a log event instead",
    ),
    Ban(r"\b(float|double)\b", ["src/core/*"], [], False, "floating point in core; use integers"),
    Ban(
        r"\bstd::(atomic\w*|\w*mutex|condition_variable\w*|\w+_lock|lock_guard|once_flag)\b",
        ["src/*", "include/*"],
        LOCKED_FILES,
        False,
        "locks and atomics belong to io/mailbox, daemon/log, guard, client and sdk",
    ),
    Ban(
        r"\bstd::(jthread|thread|async)\b|\bpthread_create\b",
        ["src/*", "include/*"],
        LOCKED_FILES + ["src/io/*thread*", "src/store/*thread*"],
        False,
        "starts a thread; send an owned value to one that exists (io/mailbox)",
    ),
    Ban(
        r"\bdlm?open\s*\(",
        ["src/*", "emulator/*"],
        ["src/device/*", "src/guard/*"],
        False,
        "drivers are opened in device/ and guard/ only",
    ),
    Ban(
        r"(?<![\w.>:])(::)?v?fork\s*\(",
        ["src/*", "emulator/*"],
        [],
        False,
        "a bare fork; workers are started with posix_spawn",
    ),
    Ban(
        r"\bwait(3|4|pid)?\s*\(\s*-1",
        ["src/*", "python/*"],
        [],
        False,
        "reaps any child; wait for one by its pid",
    ),
    Ban(
        r"\bthrow\b",
        ["src/*", "emulator/*"],
        ["src/recording/replay.cpp"],  # out of an engine whose assertion failed
        False,
        "throws; return a Result with its error",
    ),
    # GCC 12 does not destroy what an initialiser has built when a statement expression in it
    # returns.
    Ban(
        r"(^\s*|[{,]\s*)\.\w+ = [^;]*\bWL_TRY\b|\b\w+\{[^{}]*\bWL_TRY\b",
        ["src/*", "include/*"],
        ["src/daemon/configuration_values.cpp"],  # one value: nothing is built before it
        True,
        "WL_TRY inside a braced initialiser leaks with GCC 12; name the value first",
    ),
    Ban(r"\busing\s+namespace\s+std\s*;", ["*.cpp"], [], True, "imports all of std"),
    Ban(r"\busing\s+namespace\b", ["*.h"], [], True, "`using namespace` in a header"),
]

SLEEP_ALLOWED = ["examples/*", "src/cli/drill/*"]
SLEEP_MARK = "lint: sleep is the subject"

COLUMNS_MAX = 100
FILE_LINES_MAX = 500
HEADER_LINES_MAX = 150
FUNCTION_LINES_MAX = 70
# A file that says this, and why, may be longer: tables and generated files.
LONG_FILE = "lint: long file, "
# Functions that may be longer: (path, name) with the reason.
LONG_FUNCTIONS = {}

# Text that ties the tree to one machine, in any text file. Written in pieces, to spare this file.
MACHINE_PATHS = re.compile("/" + r"work/|/" + r"root/|\.\./" + "shared")
UNFINISHED = re.compile(r"\b(TO" + "DO|FIX" + "ME|XX" + r"X)\b")


def matches(path, patterns):
    """Whether `path` fits one of the patterns; a star also crosses folders."""
    return any(fnmatchcase(path, pattern) for pattern in patterns)


# --- Rules for C++ -----------------------------------------------------------------------------
# A rule takes a File and yields (line, message). Its docstring is its line in --rules.

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.M)


def includes(file):
    """Yields (line, "<" or a quote, header) for each #include outside comments."""
    if file.kind != "cpp":
        return
    for match in INCLUDE.finditer(file.text):
        if file.code[match.start() : match.start(1)].lstrip().startswith("#"):
            yield file.line_of(match.start()), match.group(1), match.group(2)


def rule_arrows(file):
    """A module includes only the modules that MAY_INCLUDE gives it, by paths relative to src/."""
    module = file.module
    ours = file.path.startswith(("src/", "include/"))
    if file.kind != "cpp" or module not in MAY_INCLUDE:
        if file.kind == "cpp" and ours:
            where = f"src/{module}/" if module else "this folder"
            yield 1, f"{where} is not in MAY_INCLUDE of tools/lint.py; add it with what it may use"
        return
    may = set(MAY_INCLUDE[module])
    for pattern, more in MAY_ALSO_INCLUDE:
        if fnmatchcase(file.path, pattern):
            may |= more
    for line, bracket, header in includes(file):
        target = header.split("/")[0] if "/" in header else None
        known = target in MAY_INCLUDE or target in ANYTHING
        if bracket == "<" and target != "windlass":
            continue
        if known and target != module and target not in may:
            allowed = ", ".join(sorted(may)) or "nothing of ours"
            yield line, f"{module} may not include {header}; it may include {allowed}"
        elif not known and ours:
            yield line, f'"{header}" has no module; write it relative to src/, as "base/result.h"'


def rule_module_headers(file):
    """A module includes none of its FORBIDDEN_HEADERS; some stand on the standard library alone."""
    for line, bracket, header in includes(file):
        if bracket != "<" or file.is_test:
            continue
        if matches(header, FORBIDDEN_HEADERS.get(file.module, [])):
            yield line, f"<{header}> may not be used in {file.module}"
        elif file.module in STANDARD_LIBRARY_ONLY and not header.startswith("windlass/"):
            excepted = any(fnmatchcase(file.path, p) and header == h for p, h in STANDARD_ENOUGH)
            if not excepted and not re.fullmatch(r"[a-z_0-9]+|std(def|int)\.h", header):
                yield line, f"<{header}>: {file.module} uses the standard library alone"


def rule_heavy_headers(file):
    """A costly or confined header is included only by the files that HEAVY_HEADERS names."""
    if file.module not in MAY_INCLUDE or file.module == "examples":
        return
    for line, _, header in includes(file):
        for pattern, allowed in HEAVY_HEADERS:
            if fnmatchcase(header, pattern):
                if not matches(file.path, allowed):
                    where = ", ".join(allowed) or "no file"
                    yield line, f"{header} may be included by {where} (HEAVY_HEADERS)"
                break


def rule_banned_text(file):
    """What BANS names (clocks, locks, threads, dlopen, fork, throw, ...) stays where it belongs."""
    if file.kind not in ("cpp", "python"):
        return
    for ban in BANS:
        if not matches(file.path, ban.scope) or matches(file.path, ban.allowed):
            continue
        if file.is_test and not ban.tests:
            continue
        for match in re.finditer(ban.pattern, file.code):
            yield file.line_of(match.start()), f"`{match.group().strip()}`: {ban.message}"


def rule_pragma_once(file):
    """A header has #pragma once."""
    if file.path.endswith((".h", ".hpp")) and not re.search(r"^#pragma once$", file.code, re.M):
        yield 1, "the header lacks #pragma once"


def rule_nolint(file):
    """A NOLINT names its check and gives a reason on the same line."""
    if file.kind != "cpp":
        return
    for match in re.finditer(r"NOLINT(NEXTLINE|BEGIN|END)?([^\n]*)", file.text):
        named = re.match(r"\([\w\-.]+(,\s*[\w\-.]+)*\)(.*)", match.group(2))
        if not named:
            yield file.line_of(match.start()), "NOLINT must name its check: NOLINT(check): reason"
        elif match.group(1) != "END" and len(re.findall(r"\w+", named.group(2))) < 2:
            yield file.line_of(match.start()), "NOLINT must give its reason: NOLINT(check): reason"


# --- Rules for every kind of file --------------------------------------------------------------


def rule_opening_comment(file):
    """A C++, Python or shell file opens with a comment that says what it is for."""
    lines = file.lines
    if file.kind == "text" or not file.text.strip():
        return
    first = next((i for i, text in enumerate(lines) if text.strip() and text[:2] != "#!"), 0)
    openings = ("//", "/*") if file.kind == "cpp" else ("#", '"""', "'''", 'r"""')
    if not lines[first].startswith(openings):
        yield first + 1, "the file must open with a comment that says what it is for"


def rule_columns(file):
    """A line of C++ or Python has at most 100 columns."""
    if file.kind in ("cpp", "python"):
        for number, line in enumerate(file.lines, 1):
            if len(line) > COLUMNS_MAX:
                yield number, f"{len(line)} columns; at most {COLUMNS_MAX}"


def rule_file_length(file):
    """A C++ or Python file has at most 500 lines, a header at most 150, unless LONG_FILE."""
    if file.kind not in ("cpp", "python") or LONG_FILE in file.text:
        return
    most = HEADER_LINES_MAX if file.path.endswith((".h", ".hpp")) else FILE_LINES_MAX
    count = len(file.text.splitlines())
    if count > most:
        yield most + 1, f"{count} lines; at most {most}: split the file"


def rule_function_length(file):
    """A function has at most 70 lines; LONG_FUNCTIONS excepted."""
    found = []
    if file.kind == "cpp" and len(file.lines) > FUNCTION_LINES_MAX:
        found = [(f.line, f.lines, f.name) for f in cpp_text.functions(file.code)]
    elif file.kind == "python" and len(file.lines) > FUNCTION_LINES_MAX:
        found = python_text.functions(file.tree)
    for line, lines, name in found:
        if lines > FUNCTION_LINES_MAX and (file.path, name) not in LONG_FUNCTIONS:
            yield line, f"{name} has {lines} lines; at most {FUNCTION_LINES_MAX}"


SLEEPS = {
    "cpp": r"\b(sleep_for|sleep_until|usleep|nanosleep|clock_nanosleep|sleep)\s*\(",
    "shell": r"(?m)(?:^|[;&|({]|\b(?:do|then|else)\b)[ \t]*sleep[ \t]+[\d.$\"]",
}


def sleeps(file):
    """Yields the lines on which something sleeps."""
    if file.kind == "python":
        yield from python_text.sleeps(file.tree)
    elif file.kind in SLEEPS:
        for match in re.finditer(SLEEPS[file.kind], file.code):
            yield file.line_of(match.end())


def rule_sleep(file):
    """Only examples and drills sleep; in a test the line says `lint: sleep is the subject`."""
    if matches(file.path, SLEEP_ALLOWED):
        return
    for line in sleeps(file):
        if not file.is_test:
            yield line, "sleeps; wait for the event itself, with a deadline"
        elif SLEEP_MARK not in file.lines[line - 1]:
            yield line, f"a test sleeps; wait for an event, or end the line with `{SLEEP_MARK}`"


def rule_unfinished(file):
    """No file holds a mark of unfinished work."""
    for match in UNFINISHED.finditer(file.text):
        yield file.line_of(match.start()), f"{match.group()}: finish it, or file an issue instead"


def rule_machine_path(file):
    """No file names a path that exists on one machine only."""
    for match in MACHINE_PATHS.finditer(file.text):
        yield file.line_of(match.start()), f"`{match.group()}` is a path of one machine"


# --- Rules for Python --------------------------------------------------------------------------


def rule_python_parses(file):
    """A Python file parses."""
    if file.syntax_error:
        yield file.syntax_error.lineno or 1, f"does not parse: {file.syntax_error.msg}"


def rule_swallowed_errors(file):
    """No bare except; what catches Exception raises, returns a typed error, reports or hands on."""
    if file.kind == "python":
        for line, message in python_text.swallowed_errors(file.tree):
            if python_text.HANDLED_MARK not in file.lines[line - 1]:
                yield line, message


# --- Main --------------------------------------------------------------------------------------

RULES = [value for name, value in list(globals().items()) if name.startswith("rule_")]


def lint(root):
    """Returns the number of files read and the sorted problems: (path, line, message, rule)."""
    problems, count = [], 0
    for path in paths_of(root):
        file = read(root, path)
        if file is None:
            continue
        count += 1
        for rule in RULES:
            problems += [(path, line, message, rule.__name__[5:]) for line, message in rule(file)]
    for path, _ in LONG_FUNCTIONS:
        if not os.path.exists(os.path.join(root, path)):
            message = f"an exception names {path}, which is gone"
            problems.append(("tools/lint.py", 1, message, "exceptions"))
    return count, sorted(problems)


def main(arguments):
    """Prints the problems of the tree that this file lies in; returns the exit status."""
    if arguments == ["--rules"]:
        for rule in RULES:
            print(f"{rule.__name__[5:]:18} {rule.__doc__}")
        return 0
    root = arguments[0] if arguments else Path(__file__).resolve().parent.parent
    count, problems = lint(root)
    for path, line, message, rule in problems:
        print(f"{path}:{line}: {message} [{rule}]")
    print(f"lint: {count} files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
