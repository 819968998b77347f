"""Tests of tools/scenarios.py."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import scenarios  # noqa: E402

TEXT = "- **[A0.1]** One.\n- **[A0.2]** Two.\n"
ROWS = "".join(f"| [R{n}] | web | P | x | y | A0.1 |\n" for n in range(1, scenarios.ROWS + 1))


def run(document, tests, *arguments):
    """Returns the exit status and the output for a tree with one document and some tests."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in {scenarios.DOCUMENT: document, **tests}.items():
            target = Path(root, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        with contextlib.redirect_stdout(io.StringIO()) as output:
            status = scenarios.main(list(arguments), root)
        return status, output.getvalue()


class ScenariosTest(unittest.TestCase):
    """Ids in the document against ids in tests."""

    def test_an_id_is_listed_with_the_places_of_its_tests(self):
        test = {"src/core/a_test.cpp": '// A.\nTEST_CASE("[A0.1] [R2] x") {}\n'}
        status, output = run(TEXT + ROWS, test)
        self.assertEqual(0, status)
        self.assertRegex(output, r"A0\.1 +src/core/a_test\.cpp:2\n")
        self.assertRegex(output, r"A0\.2 +-\n")
        self.assertRegex(output, r"R2 +src/core/a_test\.cpp:2\n")
        self.assertRegex(output, r"R3 +through A0\.1\n")
        self.assertIn("1 of 2 scenarios and 158 of 158 rows", output)

    def test_missing_lists_only_ids_without_a_test(self):
        _, output = run(TEXT + ROWS, {"tests/test_a.py": "# [A0.1]\n"}, "--missing")
        self.assertRegex(output, r"\AA0\.2 +-\nscenarios: ")

    def test_an_id_outside_tests_does_not_count(self):
        _, output = run(TEXT + ROWS, {"src/core/a.cpp": "// [A0.1]\n"}, "--check")
        self.assertIn("0 of 2 scenarios", output)

    def test_check_fails_for_an_id_that_the_document_lacks(self):
        status, output = run(TEXT + ROWS, {"tests/test_a.py": "# [A9.9]\n"}, "--check")
        self.assertEqual(1, status)
        self.assertIn("tests/test_a.py:1: [A9.9] is not in docs/scenarios.md", output)

    def test_check_fails_for_a_document_that_contradicts_itself(self):
        for wrong, message in (
            (TEXT + TEXT + ROWS, "A0.1 is defined twice"),
            (TEXT + ROWS.replace("| [R7] |", "| R7 |"), "row R7 is missing"),
            (TEXT + ROWS.replace("A0.1 |", "A7.7 |", 1), "R1 names A7.7, which is not defined"),
        ):
            with self.subTest(message=message):
                status, output = run(wrong, {}, "--check")
                self.assertEqual(1, status)
                self.assertIn(message, output)

    def test_the_document_of_this_tree_is_sound(self):
        document = scenarios.Document((scenarios.ROOT / scenarios.DOCUMENT).read_text("utf-8"))
        self.assertEqual([], document.mistakes)
        self.assertEqual(58, len(document.scenarios))


if __name__ == "__main__":
    unittest.main()
