#!/usr/bin/env python3
"""Runs clang-tidy 19 over the C++ files that changed, or with --all over every one.

Without arguments: what differs from where this branch left main, or from the commit before on main,
together with what is not committed. A changed header stands for the .cpp files of its name, or else
for one that includes it. Needs a configured build (build/dev by default) for the compile commands.
No changes is a success.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE_TIMEOUT_S = 300
COMPILER = re.compile(r"(c|g|clang)\+\+(-\d+)?$")
# What only GCC knows, or what ties a command to GCC's precompiled headers.
DROPPED = ("-W", "-fno-sanitize-recover", "-fpch-", "-Winvalid-pch")


def git(*arguments):
    """Returns the lines that a git command prints, or None if it fails."""
    command = ["git", "-C", str(ROOT), *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return result.stdout.split("\n")[:-1] if result.returncode == 0 else None


def default_base():
    """Returns the commit to compare with, or None where there is no history."""
    head = git("rev-parse", "HEAD")
    for name in ("main", "origin/main"):
        base = git("merge-base", "HEAD", name)
        if base and base != head:
            return base[0]
    before = git("rev-parse", "--verify", "--quiet", "HEAD~1")
    return before[0] if before else None


def changed_since(base):
    """Returns the paths that differ from `base`, with those that git does not know yet."""
    differing = git("diff", "--name-only", "--diff-filter=d", base, "--")
    unknown = git("ls-files", "-o", "--exclude-standard")
    if differing is None or unknown is None:
        raise SystemExit(f"tidy: git cannot compare with {base}; name a commit with --base")
    return sorted({*differing, *unknown})


def first_including(header, known):
    """Returns one of `known` that includes `header`, as a set; empty where none does."""
    name = header.split("/", 1)[1] if header.startswith(("src/", "include/")) else header
    for path in sorted(known):
        full = ROOT / path
        if full.is_file() and f'#include "{name}"' in full.read_text(encoding="utf-8"):
            return {path}
    return set()


def sources_of(paths, known):
    """Returns those of `known` (.cpp paths) that changed, or whose header changed."""
    wanted = set()
    for path in paths:
        stem, extension = os.path.splitext(path)
        if extension == ".cpp":
            wanted.add(path)
        elif extension == ".h":
            named = {stem + ".cpp", stem + "_test.cpp"} & set(known)
            wanted |= named or first_including(path, known)
            if stem.startswith("include/windlass/"):
                wanted |= {path for path in known if path.startswith(("src/sdk/", "src/client/"))}
    return sorted(wanted & set(known))


def sources_named(name, known):
    """Returns what a file on the command line stands for; ends the program if that is nothing."""
    full = Path(name).resolve() if Path(name).exists() else ROOT / name
    path = full.relative_to(ROOT).as_posix() if full.is_relative_to(ROOT) else name
    found = sources_of([path], known)
    if not found:
        raise SystemExit(f"tidy: {name} is in no compile command; build with it first")
    return found


def cleaned(arguments):
    """Returns a compiler's arguments without what clang would refuse or does not need."""
    kept, skip = [], False
    for index, argument in enumerate(arguments):
        if skip:
            skip = False
        elif argument == "-include" and "cmake_pch" in arguments[index + 1]:
            skip = True
        elif not argument.startswith(DROPPED):
            kept.append(argument)
    return kept


def read_commands(build):
    """Returns path -> compile command of the tree's own sources, in clang's words."""
    database = build / "compile_commands.json"
    if not database.is_file():
        raise SystemExit(f"tidy: there is no {database}; run `cmake --preset dev` first")
    commands = {}
    for entry in json.loads(database.read_text(encoding="utf-8")):
        full = Path(entry["directory"], entry["file"]).resolve()
        if full.is_relative_to(ROOT) and not full.is_relative_to(ROOT / "build"):
            arguments = entry.get("arguments") or shlex.split(entry["command"])
            while not COMPILER.search(arguments[0]):  # ccache and its settings stand before it
                arguments = arguments[1:]
            entry = {"directory": entry["directory"], "file": str(full)}
            entry["arguments"] = cleaned(arguments)
            commands.setdefault(full.relative_to(ROOT).as_posix(), entry)
    return commands


def check(tool, path, database):
    """Runs clang-tidy over one file; returns its path, seconds and findings ("" if clean)."""
    began = time.monotonic()
    command = [tool, "--quiet", "-p", database, str(ROOT / path)]
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=FILE_TIMEOUT_S, cwd=ROOT, check=False
        )
    except subprocess.TimeoutExpired:
        return path, time.monotonic() - began, f"no end within {FILE_TIMEOUT_S} s\n"
    findings = result.stdout.replace(str(ROOT) + os.sep, "")
    if result.returncode != 0 and not findings.strip():
        findings = result.stderr
    return path, time.monotonic() - began, findings if result.returncode != 0 else ""


def check_all(tool, paths, commands, jobs):
    """Checks `paths`, printing as they end; returns those with findings."""
    bad = []
    with tempfile.TemporaryDirectory() as database:
        text = json.dumps([commands[path] for path in paths])
        Path(database, "compile_commands.json").write_text(text, encoding="utf-8")
        with ThreadPoolExecutor(jobs) as pool:
            running = [pool.submit(check, tool, path, database) for path in paths]
            for done in as_completed(running):
                path, seconds, findings = done.result()
                print(f"{'FAILED' if findings else 'ok':6} {seconds:5.1f} s  {path}", flush=True)
                if findings:
                    print(findings.rstrip("\n"), flush=True)
                    bad.append(path)
    return bad


def main():
    """Chooses the files, checks them and returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("files", nargs="*", help="check these instead of what changed")
    parser.add_argument("--all", action="store_true", help="check every file of the build")
    parser.add_argument("--base", help="compare with this commit")
    parser.add_argument("--build", type=Path, default=ROOT / "build/dev", help="a configured build")
    parser.add_argument("--jobs", type=int, default=2, help="processes at once (2)")
    parser.add_argument("--tool", default="clang-tidy-19", help="the program to run")
    options = parser.parse_args()
    began = time.monotonic()
    commands = read_commands(options.build)
    base = None if options.all or options.files else options.base or default_base()
    if options.files:
        paths = [path for name in options.files for path in sources_named(name, commands)]
    else:
        paths = sources_of(changed_since(base), commands) if base else sorted(commands)
    if not paths:
        print("tidy: no C++ file changed; nothing to do")
        return 0
    if not shutil.which(options.tool):
        print(f"tidy: {options.tool} is not installed (Debian: clang-tidy-19)", file=sys.stderr)
        return 2
    print(f"tidy: {len(paths)} files{f', changed since {base[:10]}' if base else ''}", flush=True)
    bad = check_all(options.tool, paths, commands, options.jobs)
    took = time.monotonic() - began
    print(f"tidy: {len(paths)} files, {len(bad)} with findings, {took:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
