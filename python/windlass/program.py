"""The command `windlass` of an installed wheel: becomes the program that the wheel carries."""

from __future__ import annotations

import os
import pathlib
import sys


def main() -> None:
    program = pathlib.Path(__file__).resolve().parent / "_program" / "bin" / "windlass"
    if not program.exists():
        sys.exit(
            f"windlass: {program} is not there: this package was installed without the program. "
            "Use the one that you built, or install the wheel again with `pip install ./python`"
        )
    environment = dict(os.environ)
    if sys.prefix != sys.base_prefix:
        # So that `interpreter = "python3"` is the virtual environment, activated or not.
        folders = [os.path.join(sys.prefix, "bin"), environment.get("PATH", os.defpath)]
        environment["PATH"] = os.pathsep.join(folders)
    os.execve(program, [sys.argv[0], *sys.argv[1:]], environment)


if __name__ == "__main__":
    main()
