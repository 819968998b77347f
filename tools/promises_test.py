"""Tests of tools/promises.py: a page that says less, more or something else than the oracle."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import promises  # noqa: E402

TABLE = """
    fail("two runs met");
    fail(fmt::format("{} of bytes "
                     "are lost", n));
constexpr std::array kPromises = {
    Promise{Invariant::first, Moment::decided,
            "No run meets "
            "another.",
            look_at_runs},
    Promise{Invariant::second, Moment::over, "Nothing is lost.", look_at_bytes},
};
"""
HEAD = "# Page\n\n## The promises\n\n| promise | what |\n|---|---|\n"
FIRST = '| No run meets another. | "two runs met" |\n'
SECOND = '| Nothing is lost. | ".. of bytes are lost"; and more |\n'


def check(page):
    """Returns the exit status and the output for this page."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in {promises.TABLE: TABLE, promises.DOCUMENT: page}.items():
            target = Path(root) / path
            target.parent.mkdir(parents=True)
            target.write_text(text, encoding="utf-8")
        with contextlib.redirect_stdout(io.StringIO()) as output:
            status = promises.main(root)
        return status, output.getvalue()


class PromisesTest(unittest.TestCase):
    def test_a_page_with_every_promise_is_right(self):
        self.assertEqual(check(HEAD + FIRST + SECOND + "\n## More\n\n| a | b |\n"), (0, ""))

    def test_a_promise_that_is_missing_is_told(self):
        status, output = check(HEAD + FIRST)
        self.assertEqual(status, 1)
        self.assertIn('no row for "Nothing is lost."', output)

    def test_a_row_that_nobody_promises_is_told_with_its_line(self):
        status, output = check(HEAD + FIRST + SECOND + "| All is well. | - |\n")
        self.assertEqual(status, 1)
        self.assertIn('docs/proof.md:9: "All is well." is not promised', output)

    def test_what_the_oracle_does_not_say_may_not_be_quoted(self):
        status, output = check(HEAD + FIRST.replace("two runs", "three runs") + SECOND)
        self.assertEqual(status, 1)
        self.assertIn('says "three runs met"', output)

    def test_the_order_is_that_of_the_oracle(self):
        status, output = check(HEAD + SECOND + FIRST)
        self.assertEqual(status, 1)
        self.assertIn("another order", output)


if __name__ == "__main__":
    unittest.main()
