"""Tests of tools/tidy.py: which files it chooses, and what it hands to clang."""

import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent))
import tidy  # noqa: E402

KNOWN = {"src/io/a.cpp": {}, "src/io/a_test.cpp": {}, "src/sdk/b.cpp": {}}


class ChoiceTest(unittest.TestCase):
    """From changed paths to files to check."""

    def test_a_changed_source_is_checked_itself(self):
        self.assertEqual(["src/io/a.cpp"], tidy.sources_of(["src/io/a.cpp", "docs/a.md"], KNOWN))

    def test_a_changed_header_stands_for_the_sources_of_its_name(self):
        expected = ["src/io/a.cpp", "src/io/a_test.cpp"]
        self.assertEqual(expected, tidy.sources_of(["src/io/a.h"], KNOWN))

    def test_a_header_without_a_source_stands_for_one_that_includes_it(self):
        with tempfile.TemporaryDirectory() as root, mock.patch.object(tidy, "ROOT", Path(root)):
            Path(root, "src/io").mkdir(parents=True)
            Path(root, "src/io/a.cpp").write_text('#include "io/ids.h"\n', encoding="utf-8")
            self.assertEqual(["src/io/a.cpp"], tidy.sources_of(["src/io/ids.h"], KNOWN))
            self.assertEqual([], tidy.sources_of(["src/io/unused.h"], KNOWN))

    def test_a_public_header_stands_for_its_libraries(self):
        self.assertEqual(["src/sdk/b.cpp"], tidy.sources_of(["include/windlass/w.h"], KNOWN))

    def test_a_source_outside_the_build_is_left_out(self):
        self.assertEqual([], tidy.sources_of(["src/io/gone.cpp"], KNOWN))


class CommandTest(unittest.TestCase):
    """The compile commands as clang gets them."""

    def test_launcher_warnings_and_precompiled_header_are_dropped(self):
        command = "cmake -E env A=1 ccache /usr/bin/c++ -Isrc -Wlogical-op -Winvalid-pch -include "
        command += "/b/cmake_pch.hxx -include x.h -o a.o -c a.cpp"
        entry = {"directory": str(tidy.ROOT), "file": "src/a.cpp", "command": command}
        with tempfile.TemporaryDirectory() as build:
            Path(build, "compile_commands.json").write_text(json.dumps([entry]), encoding="utf-8")
            (kept,) = tidy.read_commands(Path(build)).values()
        expected = "/usr/bin/c++ -Isrc -include x.h -o a.o -c a.cpp".split()
        self.assertEqual(expected, kept["arguments"])

    def test_no_changes_is_a_success(self):
        output = io.StringIO()
        with mock.patch.object(tidy, "read_commands", return_value=KNOWN), mock.patch.object(
            tidy, "changed_since", return_value=["README.md"]
        ), mock.patch.object(sys, "argv", ["tidy.py", "--base", "HEAD"]):
            with contextlib.redirect_stdout(output):
                self.assertEqual(0, tidy.main())
        self.assertIn("nothing to do", output.getvalue())


if __name__ == "__main__":
    unittest.main()
