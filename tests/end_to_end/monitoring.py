"""What comes with Windlass for Prometheus and Grafana, and what a scrape says."""

import json
import re
import subprocess

from support import ROOT, SOON_S

ALERTS = ROOT / "packaging/prometheus/alerts.yml"
ALERTS_TEST = ROOT / "packaging/prometheus/alerts_test.yml"
DASHBOARD = ROOT / "packaging/grafana/windlass.json"
PAGE = ROOT / "docs/metrics.md"

SERIES = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="([^"]*)"')
NAME = re.compile(r"\bwindlass_\w+")
PARTS = re.compile(r"_(bucket|sum|count)$")


class Scrape:
    """One answer of GET /metrics."""

    def __init__(self, served):
        reply = served.get("/metrics")
        assert reply.status == 200
        assert reply.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        self.text = reply.body.decode()
        self.series = []  # (name, labels, value)
        for line in self.text.splitlines():
            if not line.startswith("#"):
                name, labels, value = SERIES.match(line).groups()
                self.series.append((name, dict(LABEL.findall(labels or "")), float(value)))

    def find(self, name, **labels):
        """The value of the one series with these labels; None if there is none."""
        found = [
            value
            for each, its, value in self.series
            if each == name and labels.items() <= its.items()
        ]
        assert len(found) <= 1, found
        return found[0] if found else None

    def names(self):
        return {PARTS.sub("", name) for name, _, _ in self.series}


def promtool(*words, given=None):
    """Runs promtool of Debian's `prometheus`; it must have nothing to say against it."""
    done = subprocess.run(
        ["promtool", *map(str, words)], input=given, capture_output=True, text=True, timeout=SOON_S
    )
    assert done.returncode == 0 and not done.stderr.strip(), done.stdout + done.stderr
    return done.stdout


def panels():
    """Those of the dashboard that ask something."""
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel.get("targets")]


def dashboard_expressions():
    """Every query, as Grafana would send it with all variables at "All"."""
    found = []
    for panel in panels():
        for target in panel["targets"]:
            text = target["expr"].replace("$__rate_interval", "1m")
            found.append((panel["title"], re.sub(r"\$(instance|model|device)\b", ".*", text)))
    return found


def alert_expressions():
    """By alert. The few lines of YAML that matter here, without a library for it."""
    found, name, folded = [], None, False
    for line in ALERTS.read_text().splitlines():
        text = line.strip()
        if text.startswith("- alert: "):
            name = text.removeprefix("- alert: ")
        elif text.startswith("expr: "):
            expression = text.removeprefix("expr: ")
            folded = expression == ">-"
            found.append((name, "" if folded else expression))
        elif folded and ": " in text and not text.startswith("/"):
            folded = bool(re.match(r"(rate|sum)\b", text))
            if folded:
                found[-1] = (name, found[-1][1] + " " + text)
        elif folded:
            found[-1] = (name, found[-1][1] + " " + text)
    return found


def metric_names(expressions):
    return {PARTS.sub("", name) for _, text in expressions for name in NAME.findall(text)}


def documented_names():
    return set(re.findall(r"^\| `(windlass_\w+)` \|", PAGE.read_text(), re.MULTILINE))
