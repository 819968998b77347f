"""Tests of tools/scenarios.py: ids in the document against ids in tests, and the page of both."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import coverage_page  # noqa: E402
import scenarios  # noqa: E402

TEXT = "- **[A0.1]** *It goes.* Given one.\n- **[A0.2]** *It stays.* Given two.\n"
ROWS = "".join(f"| [R{n}] | web | P | x | y | A0.1 |\n" for n in range(1, scenarios.ROWS + 1))
DOCUMENT = TEXT + ROWS.replace("| A0.1 |", "| - |")
GOES = {"tests/test_a.py": 'def test_it_goes():\n    """[A0.1] At once."""\n'}


class Tree:
    """A temporary folder with a document and some tests."""

    def __init__(self, root, document, tests):
        self.root = Path(root)
        for path, text in {scenarios.DOCUMENT: document, **tests}.items():
            self.put(path, text)

    def put(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def run(self, *arguments):
        """Returns the exit status and the output."""
        with contextlib.redirect_stdout(io.StringIO()) as output:
            status = scenarios.main(list(arguments), str(self.root))
        return status, output.getvalue()

    def page(self):
        return (self.root / coverage_page.PATH).read_text(encoding="utf-8")


class ScenariosTest(unittest.TestCase):
    """What all tests here begin with."""

    def tree(self, document=DOCUMENT, tests=None):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return Tree(folder.name, document, tests or {})

    def check_mistake(self, message, document=DOCUMENT, tests=None):
        tree = self.tree(document, tests)
        status, output = tree.run("--check")
        self.assertEqual(1, status)
        self.assertIn(message + "\n", output)
        self.assertIn("mend these first", tree.run("--write")[1])
        self.assertFalse((tree.root / coverage_page.PATH).exists())


class IdsTest(ScenariosTest):
    """Which ids count, and which are mistakes."""

    def lines_of(self, tests, *arguments):
        status, output = self.tree(DOCUMENT, tests).run(*arguments)
        self.assertEqual(0, status, output)
        return output.splitlines()

    def test_an_id_is_listed_with_its_tests(self):
        test = '// A.\nTEST_CASE("[A0.1] [R2] it \\"goes\\" "\n          "at once") {}\n'
        lines = self.lines_of({"src/core/a_test.cpp": test})
        self.assertIn('A0.1   proved   src/core/a_test.cpp it "goes" at once', lines)
        self.assertIn('R2     proved   src/core/a_test.cpp it "goes" at once', lines)
        self.assertIn("A0.2   not yet  ", lines)
        self.assertEqual("scenarios: 1 of 2 scenarios and 1 of 158 rows are proved", lines[-1])

    def test_missing_lists_only_what_is_not_proved(self):
        names = [line.split()[0] for line in self.lines_of(GOES, "--missing")]
        self.assertNotIn("A0.1", names)
        self.assertEqual(["A0.2", "R1"], names[:2])

    def test_fixtures_and_programs_of_ctest_carry_ids_too(self):
        lines = self.lines_of(
            {
                "src/a_test.cpp": 'TEST_CASE_FIXTURE(wl::Fixture, "[A0.1] it goes") {}\n',
                "tests/CMakeLists.txt": "add_test(x ${SOURCE}/soak/soak.py)\n",
                "tests/soak/soak.py": '"""[A0.2] For hours."""\n',
            }
        )
        self.assertIn("A0.1   proved   src/a_test.cpp it goes", lines)
        self.assertIn("A0.2   proved   tests/soak/soak.py", lines)

    def test_an_id_outside_tests_does_not_count(self):
        lines = self.lines_of({"src/core/a.cpp": 'TEST_CASE("[A0.1] it goes") {}\n'})
        self.assertIn("0 of 2 scenarios", lines[-1])

    def test_an_id_beside_a_tests_name_is_a_mistake(self):
        stray = "stands outside a test's name; it counts in a TEST_CASE or in the docstring of a "
        for path, text, line in (
            ("src/a_test.cpp", '// TEST_CASE("[A0.1] it goes")\n', 1),
            ("src/a_test.cpp", 'TEST_CASE("x") {\n    // See [A0.1].\n}\n', 2),
            ("tests/test_a.py", '"""[A0.1] All of it."""\n', 1),
            ("tests/test_a.py", 'def helper():\n    """[A0.1]"""\n', 2),
            ("tests/helper.py", 'def test_it():\n    """[A0.1] No test file."""\n', 2),
        ):
            with self.subTest(text=text):
                self.check_mistake(f"{path}:{line}: [A0.1] {stray}test", tests={path: text})

    def test_a_test_that_cannot_fail_proves_nothing(self):
        message = "[A0.1] is carried by a test that is skipped or may fail, which proves nothing; "
        message += "take it off"
        python = '@pytest.mark.skip("later")\ndef test_it():\n    """[A0.1]"""\n'
        cpp = 'TEST_CASE("[A0.1] it goes" * doctest::skip()) {}\n'
        self.check_mistake("tests/test_a.py:3: " + message, tests={"tests/test_a.py": python})
        self.check_mistake("a_test.cpp:1: " + message, tests={"a_test.cpp": cpp})

    def test_an_id_that_the_document_lacks_is_a_mistake(self):
        tests = {"tests/test_a.py": 'def test_it():\n    """[A9.9]"""\n'}
        message = 'tests/test_a.py: "test_it": [A9.9] is not in docs/scenarios.md'
        self.check_mistake(message, tests=tests)

    def test_a_document_that_contradicts_itself_is_a_mistake(self):
        untitled = DOCUMENT.replace("*It stays.* ", "")
        untested = "A0.2 has no test at all; take it from the list of what is tested in part"
        twice = "A0.1 is said twice to be tested in part; join them"
        for document, line, message in (
            (TEXT + TEXT + ROWS, 3, "A0.1 is defined twice"),
            (untitled, 2, "A0.2 has no title; begin it with *a few words.*"),
            (DOCUMENT.replace("| [R7] |", "| R7 |"), 1, "row R7 is missing"),
            (TEXT + ROWS.replace("A0.1", "A7.7", 1), 3, "R1 names A7.7, which is not defined"),
            (DOCUMENT + "- A0.2: a.\n", 161, untested),
            (DOCUMENT + "- A9.9: a.\n", 161, "A9.9 is not defined, and cannot lack anything"),
            (DOCUMENT + "- A0.1: a.\n" * 2, 162, twice),
        ):
            with self.subTest(message=message):
                self.check_mistake(f"docs/scenarios.md:{line}: {message}", document)


class StatesTest(ScenariosTest):
    """What counts as proved, what as proved in part."""

    def state_of(self, name, document, *ids):
        text = 'def test_it():\n    """%s"""\n' % " ".join(f"[{id_}]" for id_ in ids)
        _, output = self.tree(document, {"tests/test_a.py": text}).run()
        (line,) = (line for line in output.splitlines() if line.startswith(name + " "))
        return line[len("A0.1   ") :]

    def test_a_row_needs_a_test_of_its_own_and_each_of_its_scenarios(self):
        document = TEXT + ROWS.replace("| A0.1 |", "| A0.1, A0.2 |")
        both = "; missing: A0.1 has no test; missing: A0.2 has no test"
        for ids, state in (
            (["A0.1", "A0.2", "R1"], "proved   tests/test_a.py test_it"),
            (["A0.1", "R1"], "in part  tests/test_a.py test_it; missing: A0.2 has no test"),
            (["R1"], "in part  tests/test_a.py test_it" + both),
            (["A0.1", "A0.2"], "in part  ; missing: a test of its own"),
            (["A0.1"], "not yet  "),
            (["R2"], "not yet  "),
        ):
            with self.subTest(ids=ids):
                self.assertEqual(state, self.state_of("R1", document, *ids))

    def test_what_the_document_says_is_missing_is_missing(self):
        document = TEXT + ROWS + "- A0.1: nobody looked at night.\n- R2: nor by day.\n"
        through = "; missing: A0.1 is proved in part"
        for name, state in (
            ("A0.1", "in part  tests/test_a.py test_it; missing: nobody looked at night"),
            ("R1", "in part  tests/test_a.py test_it" + through),
            ("R2", "in part  tests/test_a.py test_it; missing: nor by day" + through),
            ("A0.2", "proved   tests/test_a.py test_it"),
        ):
            with self.subTest(name=name):
                ids = ("A0.1", "A0.2", "R1", "R2")
                self.assertEqual(state, self.state_of(name, document, *ids))


class PageTest(ScenariosTest):
    """docs/coverage.md."""

    def written(self, document=DOCUMENT, tests=None):
        tree = self.tree(document, tests or GOES)
        status, output = tree.run("--write")
        self.assertEqual((0, "docs/coverage.md: written"), (status, output.splitlines()[0]))
        self.assertEqual(0, tree.run("--check")[0])
        return tree

    def test_it_has_every_id_with_its_tests(self):
        test = 'TEST_CASE("[R1] it | goes") {}\n'
        page = self.written(tests={**GOES, "src/a_test.cpp": test}).page()
        for line in (
            "| scenarios | 1 | 0 | 1 | 2 |",
            "| rows | 1 | 0 | 157 | 158 |",
            "| A0.1 | proved | It goes | [tests/test_a.py](../tests/test_a.py): `test_it_goes` |",
            "| A0.2 | not yet | It stays |  |",
            "| R1 | proved | x | y | - | [src/a_test.cpp](../src/a_test.cpp): `it \\| goes` |",
            "| R158 | not yet | x | y | - |  |",
        ):
            self.assertIn(line + "\n", page)

    def test_it_says_what_is_missing(self):
        page = self.written(TEXT + ROWS).page()
        self.assertIn("| R1 | in part | x | y | A0.1 | **missing**: a test of its own |\n", page)

    def test_it_depends_neither_on_lines_nor_on_the_order_of_tests(self):
        other = '\n\ndef test_another():\n    """[A0.1]"""\n'
        tree = self.written(tests={"tests/test_a.py": GOES["tests/test_a.py"] + other})
        tree.put("tests/test_a.py", "# More.\n" + other + GOES["tests/test_a.py"])
        self.assertEqual(0, tree.run("--check")[0])

    def test_check_fails_when_it_is_missing(self):
        status, output = self.tree().run("--check")
        self.assertEqual(1, status)
        remedy = "write it with tools/scenarios.py --write, and commit it\n"
        self.assertIn("docs/coverage.md is missing; " + remedy, output)

    def test_check_fails_when_it_is_not_what_the_tests_say(self):
        tree = self.written()
        line = 1 + tree.page().split("\n").index("| A0.2 | not yet | It stays |  |")
        tree.put("tests/test_b.py", 'def test_it_stays():\n    """[A0.2]"""\n')
        status, output = tree.run("--check")
        self.assertEqual(1, status)
        remedy = "run tools/scenarios.py --write, and commit the file"
        message = f"docs/coverage.md:{line}: not what the tests say; {remedy}"
        self.assertEqual(message, output.splitlines()[0])
        self.assertEqual(0, tree.run("--write")[0])
        self.assertEqual(0, tree.run("--check")[0])
        tree.put(coverage_page.PATH, tree.page().replace("# Coverage", "# My coverage"))
        message = f"docs/coverage.md:1: not what the tests say; {remedy}"
        self.assertEqual(message, tree.run("--check")[1].splitlines()[0])

    def test_check_names_a_claim_whose_tests_are_gone(self):
        tree = self.written()
        line = 1 + next(n for n, t in enumerate(tree.page().split("\n")) if "| A0.1 |" in t)
        tree.put("tests/test_a.py", "def test_it_goes(): pass\n")
        status, output = tree.run("--check")
        self.assertEqual(1, status)
        self.assertTrue(
            output.startswith(
                f"docs/coverage.md:{line}: claims that A0.1 is proved, but its tests are gone; "
                "bring back what proved it, with [A0.1], or withdraw the claim with "
                "tools/scenarios.py --write\nscenarios: "
            ),
            output,
        )
        withdrawn = "docs/coverage.md: A0.1 was proved, is not yet\ndocs/coverage.md: written\n"
        self.assertTrue(tree.run("--write")[1].startswith(withdrawn))
        self.assertEqual(0, tree.run("--check")[0])

    def test_check_names_a_claim_that_holds_in_part_only(self):
        tests = {"tests/test_a.py": 'def test_it():\n    """[A0.1] [A0.2] [R1]"""\n'}
        tree = self.written(TEXT + ROWS.replace("| A0.1 |", "| A0.1, A0.2 |"), tests)
        tree.put("tests/test_a.py", 'def test_it():\n    """[A0.1] [R1]"""\n')
        status, output = tree.run("--check")
        self.assertEqual(1, status)
        fact = "claims that R1 is proved, but this is missing: A0.2 has no test; bring back what "
        self.assertIn(fact, output)

    def test_a_claim_whose_id_has_left_the_document_is_lost(self):
        tree = self.written(tests={"tests/test_a.py": 'def test_it():\n    """[A0.2]"""\n'})
        tree.put(scenarios.DOCUMENT, DOCUMENT.replace("[A0.2]", "[A0.3]"))
        tree.put("tests/test_a.py", "")
        self.assertIn("claims that A0.2 is proved, but its tests are gone", tree.run("--check")[1])


class ThisTreeTest(unittest.TestCase):
    """The document as it is."""

    def test_it_is_sound(self):
        document = scenarios.Document((scenarios.ROOT / scenarios.DOCUMENT).read_text("utf-8"))
        self.assertEqual([], document.mistakes)
        self.assertEqual(58, len(document.scenarios))


if __name__ == "__main__":
    unittest.main()
