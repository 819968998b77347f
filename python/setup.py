"""Puts the portable folder, program and all, into the wheel; pyproject.toml has the rest.

The folder is the one that WINDLASS_PORTABLE names, else what `make portable` builds in this
checkout.
"""

import atexit
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

try:
    from setuptools.command.bdist_wheel import bdist_wheel  # setuptools 70.1 has it itself
except ImportError:
    from wheel.bdist_wheel import bdist_wheel

HERE = pathlib.Path(__file__).resolve().parent
GLIBC = "2_35"  # what the program needs; tests/portable reads it from its files


def portable_folder():
    named = os.environ.get("WINDLASS_PORTABLE")
    folder = pathlib.Path(named) if named else HERE.parent / "build" / "portable" / "windlass"
    if not named:
        if not (HERE.parent / "Makefile").exists():
            sys.exit(
                "setup.py: this is not a checkout of Windlass; set WINDLASS_PORTABLE to the folder "
                "of `make portable`"
            )
        subprocess.run(["make", "-C", str(HERE.parent), "portable"], check=True)
    if not (folder / "bin" / "windlass").exists():
        sys.exit("setup.py: there is no bin/windlass in %s; make it with `make portable`" % folder)
    return folder


class BuildWithProgram(build_py):
    def run(self):
        super().run()
        if getattr(self, "editable_mode", False):
            return  # a checkout has its program in build/
        target = pathlib.Path(self.build_lib) / "windlass" / "_program"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(portable_folder(), target, ignore=shutil.ignore_patterns("__pycache__"))


class WheelOfProgram(bdist_wheel):
    def get_tag(self):
        return "py3", "none", "manylinux_%s_%s" % (GLIBC, platform.machine())


class WithProgram(Distribution):
    def has_ext_modules(self):
        return True  # not the same on every machine, although no module of Python is


# A build folder in the tree would keep files that are gone, and hand them to the next wheel.
scratch = tempfile.mkdtemp(prefix="windlass-wheel-")
atexit.register(shutil.rmtree, scratch, ignore_errors=True)

setup(
    distclass=WithProgram,
    cmdclass={"build_py": BuildWithProgram, "bdist_wheel": WheelOfProgram},
    options={"build": {"build_base": scratch}, "egg_info": {"egg_base": scratch}},
)
