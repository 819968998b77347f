"""Tests of the lint: for every rule a text that it must refuse and one that it must let pass."""

import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import cpp_text  # noqa: E402
import lint  # noqa: E402

H = "// A file.\n"  # what every C++ text here opens with
P = "# A file.\n"
HEADER = H + "#pragma once\n"
UNFINISHED = "TO" + "DO"
MACHINE_PATH = "/" + "work/main"
CATCH = P + "try:\n    f()\nexcept Exception as error:\n    "
MARKED = CATCH.replace("error:", "error:  # lint: handled, nobody is left to tell")

# (rule, path, text that it refuses, text that it lets pass)
CASES = [
    ("arrows", "src/core/a.cpp", H + '#include "io/loop.h"\n', H + '#include "base/result.h"\n'),
    ("arrows", "src/store/a.h", HEADER + '#include "core/x.h"\n', HEADER + '#include "io/x.h"\n'),
    ("arrows", "src/cli/call.cpp", H + '#include "daemon/a.h"\n', H + '#include "client/a.h"\n'),
    ("arrows", "src/cli/serve.cpp", H + '#include "sdk/a.h"\n', H + '#include "daemon/a.h"\n'),
    ("arrows", "src/cli/ballast.cpp", H + '#include "daemon/a.h"\n', H + '#include "guard/a.h"\n'),
    ("arrows", "src/core/a.cpp", H + '#include "engine.h"\n', H + '#include "core/engine.h"\n'),
    ("arrows", "src/io/a.cpp", H + "#include <windlass/a.h>\n", H + "#include <vector>\n"),
    ("arrows", "src/sdk/a.cpp", H + '#include "core/a.h"\n', H + '#include "windlass/a.h"\n'),
    ("arrows", "include/windlass/a.h", HEADER + '#include "base/a.h"\n', HEADER),
    ("arrows", "src/util/a.cpp", H, '/* Not ours to judge. */\n#include "x.h"\n'),
    ("arrows", "emulator/a.cpp", H + '#include "core/a.h"\n', H + '#include "ledger.h"\n'),
    ("module_headers", "src/core/a.cpp", H + "#include <random>\n", H + "#include <vector>\n"),
    ("module_headers", "src/core/a.cpp", H + "#include <unordered_map>\n", H + "#include <map>\n"),
    ("module_headers", "src/core/a.h", HEADER + "#include <fmt/core.h>\n", HEADER),
    ("module_headers", "src/core/a.cpp", H + "#include <zlib.h>\n", H + "#include <fmt/core.h>\n"),
    ("module_headers", "src/base/a.cpp", H + "#include <sys/stat.h>\n", H + "#include <cstdio>\n"),
    ("module_headers", "src/wire/a.cpp", H + "#include <fstream>\n", H + "// #include <fstream>\n"),
    ("module_headers", "include/windlass/a.h", HEADER + "#include <fmt/core.h>\n", HEADER),
    ("heavy_headers", "src/http/a.cpp", H + "#include <boost/beast.hpp>\n", H),
    ("heavy_headers", "src/worker/a.cpp", H + "#include <boost/asio.hpp>\n", H),
    ("heavy_headers", "src/wire/a.h", HEADER + "#include <boost/json.hpp>\n", HEADER),
    ("heavy_headers", "src/daemon/a.cpp", H + "#include <toml++/toml.h>\n", H),
    ("heavy_headers", "src/cli/call.cpp", H + "#include <CLI/CLI.hpp>\n", H),
    ("heavy_headers", "src/store/a.cpp", H + "#include <sqlite3.h>\n", H),
    (
        "heavy_headers",
        "src/io/a.cpp",
        H + "#include <fmt/format.h>\n",
        H + "#include <fmt/core.h>\n",
    ),
    (
        "banned_text",
        "src/core/a.cpp",
        H + "auto t = C::steady_clock::now();\n",
        H + "// _clock::now\n",
    ),
    ("banned_text", "src/io/a.cpp", H + "return Pair{WL_TRY(a()), 1};\n", H + "a = WL_TRY(b());\n"),
    ("banned_text", "src/io/a.cpp", H + "f({.a = 1, .b = WL_TRY(c())});\n", H),
    ("banned_text", "src/core/a_test.cpp", H + "auto t = system_clock::now();\n", H),
    ("banned_text", "src/core/a.cpp", H + 'fmt::print("a");\n', H + 'fmt::format("a");\n'),
    ("banned_text", "src/core/a.cpp", H + "double x = 0;\n", H + 'auto x = "double";\n'),
    ("banned_text", "src/core/a.cpp", H + 'auto x = std::getenv("A");\n', H + "int getenvy;\n"),
    ("banned_text", "src/http/a.h", HEADER + "std::mutex lock_;\n", HEADER + "int mutex;\n"),
    ("banned_text", "src/http/a.cpp", H + "std::atomic<int> a;\n", H),
    (
        "banned_text",
        "src/store/a.cpp",
        H + "std::jthread t;\n",
        H + "std::this_thread::get_id();\n",
    ),
    ("banned_text", "src/worker/a.cpp", H + 'auto l = dlopen("a", 1);\n', H),
    ("banned_text", "src/worker/a.cpp", H + "pid = ::fork();\n", H + "auto f = road.fork(1);\n"),
    ("banned_text", "src/worker/a.cpp", H + "waitpid(-1, &s, 0);\n", H + "waitpid(pid, &s, 0);\n"),
    ("banned_text", "src/io/a.cpp", H + "throw 1;\n", H + "boost::throw_exception(e);\n"),
    ("banned_text", "src/io/a.cpp", H + "using namespace std;\n", H + "using std::swap;\n"),
    ("banned_text", "src/io/a.h", HEADER + "using namespace a;\n", HEADER + "using A = int;\n"),
    ("pragma_once", "src/io/a.h", H, HEADER),
    (
        "nolint",
        "src/io/a.cpp",
        H + "int a;  // NOLINT\n",
        H + "int a;  // NOLINT(a-b): it is fine\n",
    ),
    ("nolint", "src/io/a.cpp", H + "// NOLINTNEXTLINE(a-b)\n", H + "// NOLINTEND(a-b)\n"),
    ("opening_comment", "src/io/a.cpp", '#include "io/b.h"\n', H),
    ("opening_comment", "python/a.py", "import os\n", '"""What it is for."""\n'),
    ("opening_comment", "packaging/a.sh", "#!/bin/sh\nls\n", "#!/bin/sh\n# Lists.\nls\n"),
    ("columns", "src/io/a.cpp", H + "// " + "x" * 98 + "\n", H + "// " + "x" * 97 + "\n"),
    ("file_length", "src/io/a.cpp", H + "int a;\n" * 500, H + "int a;\n" * 499),
    ("file_length", "src/io/a.h", HEADER + "int a;\n" * 149, HEADER + "int a;\n" * 148),
    (
        "function_length",
        "src/io/a.cpp",
        H + "void f() {\n" + "a();\n" * 69 + "}\n",
        H + "a;\n" * 99,
    ),
    ("function_length", "python/a.py", P + "def f():\n" + "    a()\n" * 70, P + "a()\n" * 99),
    ("sleep", "src/io/a.cpp", H + "std::this_thread::sleep_for(1s);\n", H + "// sleep(1)\n"),
    (
        "sleep",
        "src/io/a_test.cpp",
        H + "usleep(1);\n",
        H + "usleep(1);  // lint: sleep is the subject\n",
    ),
    ("sleep", "python/a.py", P + "time.sleep(1)\n", P + "asyncio.sleep(0)\nx = 'sleep(1)'\n"),
    (
        "sleep",
        "python/tests/test_a.py",
        P + "sleep(1)\n",
        P + "sleep(1)  # lint: sleep is the subject\n",
    ),
    ("sleep", "tests/a.py", P + "threading.Event().wait(1)\n", P + "threading.Event().wait()\n"),
    ("sleep", "tests/b.py", P + "Event().wait(timeout=1)\n", P + "is_over.wait(timeout=1)\n"),
    ("sleep", "tests/a.sh", P + "sleep 1\n", P + "echo sleep well\n"),
    ("unfinished", "docs/a.md", UNFINISHED + ": more\n", "mktemp XXXXXX\n"),
    ("machine_path", "docs/a.md", f"see {MACHINE_PATH}\n", "see /var/lib/windlass\n"),
    ("python_parses", "python/a.py", P + "def f(:\n", P + "f()\n"),
    (
        "swallowed_errors",
        "python/a.py",
        P + "try:\n    f()\nexcept:\n    raise\n",
        CATCH + "raise\n",
    ),
    (
        "swallowed_errors",
        "python/a.py",
        CATCH + "return None\n",
        CATCH + "return InputError(error)\n",
    ),
    ("swallowed_errors", "python/a.py", CATCH + "print(error)\n", CATCH + "log.warning(error)\n"),
    (
        "swallowed_errors",
        "python/a.py",
        CATCH + "x = 1\n",
        CATCH + "print(error, file=sys.stderr)\n",
    ),
    (
        "swallowed_errors",
        "python/a.py",
        CATCH + "def g():\n        raise\n",
        CATCH + "send_error(1)\n",
    ),
    ("swallowed_errors", "python/a.py", CATCH + "end = str(error)\n", CATCH + "end = error\n"),
    ("swallowed_errors", "python/a.py", CATCH + "return repr(error)\n", CATCH + "on_end(error)\n"),
    ("swallowed_errors", "python/a.py", CATCH + "pass\n", MARKED + "pass\n"),
    ("swallowed_errors", "python/a.py", P + "suppress(Exception)\n", P + "suppress(OSError)\n"),
]
ALLOWED = [  # text of CASES that is refused elsewhere, where it belongs
    ("src/http/connection.cpp", H + "#include <boost/beast.hpp>\n"),
    ("src/http/asio.cpp", H + "#include <boost/asio.hpp>\n"),
    ("src/wire/frame_json.cpp", H + "#include <boost/json.hpp>\n"),
    ("src/daemon/configuration_toml.cpp", H + "#include <toml++/toml.h>\n"),
    ("src/cli/main.cpp", H + "#include <CLI/CLI.hpp>\n"),
    ("src/store/sqlite/a.cpp", H + "#include <sqlite3.h>\n"),
    ("src/io/mailbox.h", HEADER + "std::mutex lock_;\n"),
    ("src/guard/a.cpp", H + 'auto l = dlopen("a", 1);\n'),
    ("src/core/a_test.cpp", H + "#include <random>\ndouble x = 0;\n"),
    ("src/cli/drill/a.cpp", H + "sleep(1);\n"),
    ("tests/simulation/a.cpp", H + '#include "core/engine.h"\n#include "anything.h"\n'),
]


def run_lint(files):
    """Returns the problems of a tree that holds `files` (path -> text)."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            target = Path(root, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        return lint.lint(root)[1]


class RuleTest(unittest.TestCase):
    """The rules, one by one."""

    def test_every_case_is_refused_and_let_pass(self):
        for rule, path, refused, passed in CASES:
            with self.subTest(rule=rule, path=path, text=refused[:80]):
                self.assertIn(rule, [problem[3] for problem in run_lint({path: refused})])
            with self.subTest(rule=rule, path=path, text=passed[:80]):
                other = "x/" + path if rule == "arrows" and "util" in path else path
                self.assertEqual([], run_lint({other: passed}))

    def test_every_rule_has_a_case(self):
        self.assertEqual({rule.__name__[5:] for rule in lint.RULES}, {case[0] for case in CASES})

    def test_a_thing_is_allowed_where_it_belongs(self):
        for path, text in ALLOWED:
            with self.subTest(path=path):
                self.assertEqual([], run_lint({path: text}))

    def test_the_line_is_the_line_of_the_problem(self):
        text = H + "\n/* two\n   lines */\n  #include <random>\n"
        (problem,) = run_lint({"src/core/a.cpp": text})
        self.assertEqual(("src/core/a.cpp", 5), problem[:2])

    def test_build_folders_and_binary_files_are_skipped(self):
        bad = UNFINISHED + "\n"
        self.assertEqual([], run_lint({"build/a.md": bad, "node_modules/a.md": bad}))
        self.assertEqual([], run_lint({"tests/a.bin": "\0" + bad}))

    def test_an_exception_for_a_file_that_is_gone_is_a_problem(self):
        lint.LONG_FUNCTIONS["src/io/gone.cpp", "f"] = "a table"
        self.addCleanup(lint.LONG_FUNCTIONS.clear)
        self.assertEqual("exceptions", run_lint({})[0][3])


class FunctionTest(unittest.TestCase):
    """Where functions lie in C++ text."""

    def lengths(self, text):
        found = cpp_text.functions(cpp_text.blank(textwrap.dedent(text)))
        return [(f.name, f.line, f.lines) for f in found]

    def test_functions_methods_and_test_cases_are_found(self):
        text = """\
            namespace a {
            class [[nodiscard]] B final : public C<int> {
              public:
                B(int x, int y = {})
                    : x_{.a = x, .b = D{x}},
                      y_(g({.a = h(1)}, std::move(y))) {
                    f({1, 2});
                }
                bool operator==(const B& other) const = default;
                friend bool operator<(const B& a, const B& b) { return f(a, b); }
                int get() const { return x_; }
            };
            template <typename T = int>
            auto twice(T t) -> T {
                if (t) { return [] { return 2; }(); }
                return t;
            }
            TEST_CASE("a { brace") {
                CHECK('{' == '{');
            }
            }  // namespace a
            """
        found = self.lengths(text)
        expected = [("B", 3, 6), ("operator<", 10, 1), ("get", 11, 1)]
        expected += [("twice", 13, 5), ("TEST_CASE", 18, 3)]
        self.assertEqual(expected, found)

    def test_tables_enumerations_and_branches_of_the_preprocessor_do_not_confuse_it(self):
        text = """\
            enum class E { a, b };
            constexpr auto kTable = std::to_array<int>({
                1,
            });
            const S s = {.x = 1'000'000, .y = R"(})"};
            #ifdef A
            void f() {
            #else
            void f(int) {
            #endif
            }
            void g() {
            }
            """
        self.assertEqual([("f", 7, 5), ("g", 12, 2)], self.lengths(text))


class CommandTest(unittest.TestCase):
    """The program as one runs it."""

    def run_on(self, text):
        with tempfile.TemporaryDirectory() as root:
            Path(root, "a.py").write_text(text, encoding="utf-8")
            command = [sys.executable, lint.__file__, root]
            return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def test_it_prints_problems_and_a_last_line(self):
        result = self.run_on("import os\n")
        self.assertEqual(1, result.returncode)
        expected = r"^a\.py:1: .* \[opening_comment\]\nlint: 1 files, 1 problems\n$"
        self.assertRegex(result.stdout, expected)

    def test_this_tree_is_clean(self):
        """[R27]"""
        root = str(Path(lint.__file__).resolve().parent.parent)
        self.assertEqual([], lint.lint(root)[1])

    def test_a_clean_tree_exits_with_0(self):
        result = self.run_on(P)
        self.assertEqual((0, "lint: 1 files, 0 problems\n"), (result.returncode, result.stdout))


if __name__ == "__main__":
    unittest.main()
