"""Tests of tools/doc_names.py: pages that name what is not there."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import doc_names  # noqa: E402

FILES = {
    doc_names.EVENTS: "| event | fields |\n|---|---|\n| `model.ready` | `model` |\n",
    doc_names.KEYS: "| key | kind |\n|---|---|\n| `run_timeout` | duration |\n",
    doc_names.METRICS: "| series | type |\n|---|---|\n| `windlass_workers` | gauge |\n",
    doc_names.ALERTS: "| alert | when |\n|---|---|\n| `WindlassDown`, `WindlassGone` | now |\n",
    doc_names.FINDINGS: "| finding | so |\n|---|---|\n| `disk_full` | full |\n",
    doc_names.API: "| `GET /healthz` | `X-Windlass-Load-Ms` |\n",
    doc_names.ERRORS: "# Errors\n\n`queue_full`\n\n## Trying again, by `type`\n",
    doc_names.UNIT: "[Service]\nDelegate=yes\n",
    "src/cli/command_line.cpp": 'a.add_subcommand("models", ""); b("show"); c("--json,--url");',
}
PAGE, OTHER = doc_names.PAGES


def check(page):
    """Returns the exit status and the output for this page beside an empty one."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in {**FILES, PAGE: page, OTHER: "# Other\n"}.items():
            target = Path(root) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        with contextlib.redirect_stdout(io.StringIO()) as output:
            status = doc_names.main(root)
        return status, output.getvalue()


class DocNamesTest(unittest.TestCase):
    def test_what_is_there_is_right_and_other_shapes_are_not_judged(self):
        spans = ["model.ready", "run_timeout", 'run_timeout = "5m"', "windlass_workers"]
        spans += ["WindlassGone", "disk_full", "GET /healthz", "X-Windlass-Load-Ms", "queue_full"]
        spans += ["windlass models show NAME --json", "windlass models", "windlass.db"]
        spans += ["--init", "Delegate=yes", "request.progress()", "LimitNOFILE="]
        spans += ["dmesg | grep Xid", "docker run"]
        links = "[a](errors.md#trying-again-by-type) [b](#page) [c](https://x.example/none#here)\n"
        self.assertEqual(check("# Page\n\n`" + "` `".join(spans) + "`\n" + links), (0, ""))

    def test_each_shape_that_names_nothing_is_told_with_its_line(self):
        for span, told in {
            "model.gone": "no event",
            "windlass_gone": "no metric",
            'windlass_gone{model="a"}': "no metric",
            "WindlassNever": "no alert",
            "gone_timeout": "no key",
            'gone = "5m"': "no key",
            "POST /healthz": "does not stand in docs/http-api.md",
            "X-Windlass-None": "does not stand in docs/http-api.md",
            "Delegate=no": "no line of packaging/systemd/windlass.service",
            "windlass gone": "no command `windlass gone`",
            "windlass models gone NAME": "no action `gone`",
            "windlass models --gone": "no command has an option `--gone`",
        }.items():
            status, output = check("# Page\n\nSee `%s`.\n" % span)
            self.assertEqual(status, 1, span)
            self.assertIn(PAGE + ":3: ", output)
            self.assertIn(told, output)

    def test_commands_in_fences_are_judged_up_to_what_is_said_of_them(self):
        fence = "```sh\n%s\n```\n"
        good = "$ windlass models  # all\n  windlass models show a  gone --gone\nmodel.gone `x_y`"
        self.assertEqual(check(fence % good), (0, ""))
        for line in ("windlass gone", "$ windlass gone", "/opt/windlass/bin/windlass gone"):
            status, output = check(fence % line)
            self.assertEqual(status, 1, line)
            self.assertIn(PAGE + ":2: there is no command `windlass gone`", output)

    def test_links_lead_to_files_and_headings_that_are_there(self):
        for link, told in {
            "gone.md": "no file gone.md",
            "errors.md#gone": "errors.md has no heading #gone",
            "#gone": "this page has no heading #gone",
        }.items():
            status, output = check("# Page\n\n[a](%s)\n" % link)
            self.assertEqual(status, 1, link)
            self.assertIn(told, output)


if __name__ == "__main__":
    unittest.main()
