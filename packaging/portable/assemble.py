#!/usr/bin/env python3
"""Puts the portable folder together from a build of the preset `portable`, and packs it.

    assemble.py BUILD_FOLDER FOLDER

FOLDER gets bin/ and lib/: the program, its Python package, and the libraries that it needs and that
are not part of every Linux system. Beside it comes FOLDER-VERSION-linux-MACHINE.tar.gz.
"""

import gzip
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# Of glibc and GCC. A program must use those of the machine that it runs on: the first belong to its
# kernel and its name services, and a process can have only one of the others.
OF_THE_SYSTEM = re.compile(
    r"(ld-linux.*|linux-vdso|libc|libm|libdl|librt|libpthread|libresolv|libstdc\+\+|libgcc_s)\.so"
)


def libraries_of(program):
    """The libraries beyond those of the system, as {name: path}; needs of needs are among them."""
    told = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=True).stdout
    found = {}
    for line in told.splitlines():
        name, arrow, place = line.strip().partition(" => ")
        if not arrow or OF_THE_SYSTEM.match(name):
            continue
        path = place.split(" (")[0]
        if not path.startswith("/"):
            sys.exit("assemble.py: %s needs %s, which is not there" % (program, name))
        found[name] = path
    return found


def install(build, folder):
    shutil.rmtree(folder, ignore_errors=True)
    argv = ["cmake", "--install", build, "--prefix", folder, "--component", "runtime", "--strip"]
    subprocess.run(list(map(str, argv)), check=True, stdout=subprocess.DEVNULL)
    program = folder / "bin" / "windlass"
    for name, path in libraries_of(program).items():
        shutil.copy(path, folder / "lib" / name)  # the file behind the link, with its mode
    shutil.copy(ROOT / "LICENSE", folder)
    return program


def pack(folder, archive):
    """The same folder gives the same bytes."""

    def plain(member):
        member.uid = member.gid = member.mtime = 0
        member.uname = member.gname = "root"
        member.mode = 0o755 if member.mode & 0o100 else 0o644
        return member

    with open(archive, "wb") as stream, gzip.GzipFile("", "wb", 9, stream, mtime=0) as packed:
        with tarfile.open(fileobj=packed, mode="w") as tar:
            for path in [folder, *sorted(folder.rglob("*"))]:
                name = pathlib.Path("windlass") / path.relative_to(folder)
                tar.add(path, str(name), recursive=False, filter=plain)


def main():
    build, folder = map(pathlib.Path, sys.argv[1:])
    program = install(build, folder)
    version = subprocess.check_output([str(program), "--version"], text=True).split()[1]
    archive = "%s-%s-linux-%s.tar.gz" % (folder.name, version, platform.machine())
    pack(folder, folder.parent / archive)
    print(folder)
    print(folder.parent / archive)


if __name__ == "__main__":
    main()
