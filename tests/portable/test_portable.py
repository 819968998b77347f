"""The portable folder: what it asks of a machine, and that it runs from anywhere."""

import re
import shutil
import subprocess
import tarfile

import pytest
from serving import serving
from times import SOON_S

FLOOR = (2, 35)  # the oldest glibc; README and python/setup.py say the same
SYSTEM = {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
SYSTEM |= {"libstdc++.so.6", "libgcc_s.so.1"}
LIBSTDCXX = (3, 4, 30)  # GLIBCXX_ of GCC 12, which manylinux_2_35 has too

CALL = """
import sys
import windlass as wl

for url in sys.argv[1:]:
    print(wl.Client(url).call("mine", {"text": "ahoy"})["text"])
"""


def readelf(option, path):
    return subprocess.check_output(["readelf", option, "-W", str(path)], text=True)


def elf_files(folder):
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with open(path, "rb") as file:
                if file.read(4) == b"\x7fELF":
                    found.append(path)
    return found


def versions_needed(path, prefix="GLIBC_"):
    """The symbol versions that a file needs, such as (2, 34)."""
    words = set(re.findall(r"\b" + prefix + r"(\w[\w.]*)", readelf("-V", path)))
    # GLIBC_PRIVATE and GLIBC_ABI_DT_RELR are no numbers; the latter came with 2.36.
    assert all(re.fullmatch(r"[0-9.]+", word) for word in words), (path, words)
    return {tuple(map(int, word.split("."))) for word in words}


def test_no_file_needs_a_newer_glibc_or_libstdcxx_than_documented(portable):
    files = elf_files(portable)
    newest = {str(path): max(versions_needed(path)) for path in files}
    assert newest, "there is no program in %s" % portable
    print("\n".join("%d.%d  %s" % (*version[:2], path) for path, version in newest.items()))
    assert max(newest.values()) <= FLOOR, newest
    for path in files:
        assert max(versions_needed(path, "GLIBCXX_"), default=(0,)) <= LIBSTDCXX, path


def test_all_that_it_needs_beyond_glibc_is_in_the_folder(portable):
    travelling = {path.name for path in (portable / "lib").iterdir()}
    for path in elf_files(portable):
        dynamic = readelf("-d", path)
        needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic))
        assert needed <= SYSTEM | travelling, (path, needed - SYSTEM - travelling)
        paths = re.findall(r"\((?:RPATH|RUNPATH)\).*\[(.*)\]", dynamic)
        assert all(found.startswith("$ORIGIN") for found in paths), (path, paths)


@pytest.mark.parametrize("packed", [False, True], ids=["copied", "unpacked"])
def test_it_serves_from_anywhere_with_an_empty_environment(portable, tmp_path, packed):
    folder = tmp_path / "a folder" / "of somebody"
    if packed:
        (archive,) = portable.parent.glob(portable.name + "-*.tar.gz")
        with tarfile.open(archive) as tar:
            tar.extractall(folder.parent)
        (folder.parent / "windlass").rename(folder)
    else:
        shutil.copytree(portable, folder)
    work = tmp_path / "work"
    work.mkdir()
    program = folder / "bin" / "windlass"
    with serving(program, work, environment={}) as started:
        urls = ["http://" + started["listen"], "unix:" + started["socket"]]
        package = {"PYTHONPATH": str(folder / "lib" / "windlass" / "python")}
        argv = ["/usr/bin/python3", "-c", CALL, *urls]
        told = subprocess.check_output(argv, env=package, cwd="/", text=True, timeout=SOON_S)
        assert told.split() == ["AHOY!"] * len(urls)
        argv = [str(program), "call", "mine", "--data", '{"text": "cli"}', "--url", urls[1]]
        assert "CLI!" in subprocess.check_output(argv, env={}, text=True, timeout=SOON_S)


def test_the_emulator_travels_with_it_and_does_what_a_driver_does(portable, tmp_path):
    emulator = portable / "lib" / "windlass" / "emulator"
    node = tmp_path / "node"
    subprocess.run([emulator / "windlass-emulator", "create", node, "1x24GiB"], env={}, check=True)
    environment = {"WINDLASS_EMULATOR": str(node), "LD_LIBRARY_PATH": str(emulator)}
    argv = [emulator / "windlass-conformance"]
    told = subprocess.check_output(argv, env=environment, text=True, timeout=SOON_S)
    assert told.splitlines()[-1].endswith(" 0 divergences"), told
