"""In the shipped build no mutant is left: with `mutant(...)` and with `false` in its place the
engine compiles to the same bytes.

Usage: shipped.py COMPILER. Exits with 1 if they differ.
"""

import concurrent.futures
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CALL = re.compile(r"\bmutant\(Mutant::[a-z_]+\)")
FLAGS = ("-std=c++23", "-O2", "-D_GLIBCXX_ASSERTIONS", "-Isrc", "-c")


def lay_out(folder, replace):
    """Copies what the engine is made of; returns how many mutants were replaced."""
    count = 0
    for module in ("base", "core"):
        shutil.copytree(ROOT / "src" / module, folder / "src" / module)
    sources = sorted((folder / "src/core").glob("*.cpp"))
    sources = [path for path in sources if not path.name.endswith("_test.cpp")]
    if replace:
        for path in sources:
            text, found = CALL.subn("false", path.read_text())
            count += found
            path.write_text(text.replace('#include "core/mutant.h"', ""))
    # All in one: each header is read once.
    lines = [f'#include "core/{path.name}"' for path in sources]
    (folder / "all.cpp").write_text("\n".join(lines) + "\n")
    return count


def compile_in(compiler, folder):
    """Returns the object file's bytes; paths in it are relative, so that they are equal."""
    subprocess.run([compiler, *FLAGS, "all.cpp", "-o", "all.o"], cwd=folder, check=True)
    return (folder / "all.o").read_bytes()


def main():
    """Compares."""
    with tempfile.TemporaryDirectory() as name:
        folders = [pathlib.Path(name) / which for which in ("shipped", "without")]
        counts = [lay_out(folder, replace=folder is folders[1]) for folder in folders]
        with concurrent.futures.ThreadPoolExecutor() as pool:
            objects = list(pool.map(lambda folder: compile_in(sys.argv[1], folder), folders))
    if objects[0] != objects[1]:
        sys.exit("the engine compiles to other bytes with mutant() than with `false` in its place")
    if counts[1] < 30:
        sys.exit(f"only {counts[1]} mutants were found in src/core: their calls look different now")
    print(f"{len(objects[0])} bytes of object code are equal with {counts[1]} mutants and without")


if __name__ == "__main__":
    main()
