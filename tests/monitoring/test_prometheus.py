"""The dashboard's queries and the alert rules on a real Prometheus that scrapes a real daemon.

`make test-monitoring` runs it; what needs no server is in tests/end_to_end/test_monitoring.py.
"""

import json
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from emulated import FIRST
from monitoring import ALERTS, alert_expressions, dashboard_expressions
from support import SOON_S, eventually
from test_monitoring import troubled

# Only then is there an answer: they show what is wrong.
MAY_BE_EMPTY = ("windlass_device_sample_age_seconds{", "windlass_model_paused{")

CONFIGURATION = """
global: {scrape_interval: 500ms, evaluation_interval: 500ms}
rule_files: [%s]
scrape_configs:
  - job_name: windlass
    static_configs: [{targets: ["127.0.0.1:%d"]}]
"""


class Prometheus:
    def __init__(self, folder, port_of_daemon):
        (folder / "prometheus.yml").write_text(CONFIGURATION % (ALERTS, port_of_daemon))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        argv = ["prometheus", "--config.file=%s" % (folder / "prometheus.yml")]
        argv += ["--storage.tsdb.path=%s" % (folder / "data")]
        argv += ["--web.listen-address=127.0.0.1:%d" % self.port]
        self.output = open(folder / "prometheus.log", "wb")
        self.process = subprocess.Popen(argv, stdout=self.output, stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(SOON_S)
        self.output.close()

    def get(self, path, **query):
        url = "http://127.0.0.1:%d/api/v1/%s?%s" % (self.port, path, urllib.parse.urlencode(query))
        try:
            with urllib.request.urlopen(url, timeout=SOON_S) as reply:
                return json.load(reply)["data"]
        except urllib.error.HTTPError as refused:
            if refused.code == 503:
                return None  # it is still coming up
            raise AssertionError("%s: %s" % (query, refused.read().decode())) from None
        except OSError:
            return None  # it is not there yet

    def ask(self, expression):
        answer = self.get("query", query=expression)
        return answer and answer["result"]


def test_every_query_is_answered_and_every_rule_is_healthy(daemons, tmp_path):
    """[A5.11] [R150] Also while a device hangs; then the alert about that is on its way."""
    node = troubled(daemons)
    with Prometheus(tmp_path, node.served.port) as prometheus:
        scraped = lambda: prometheus.ask("count_over_time(windlass_ready[1m]) > 4")  # noqa: E731
        eventually(scraped, "Prometheus has scraped the daemon five times", 60)
        for title, expression in dashboard_expressions():
            result = prometheus.ask(expression)
            assert result or expression.startswith(MAY_BE_EMPTY), (title, expression)
        for name, expression in alert_expressions():
            assert prometheus.ask(expression) is not None, name
        groups = prometheus.get("rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        assert {rule["name"] for rule in rules} == {name for name, _ in alert_expressions()}
        eventually(
            lambda: all(rule["health"] == "ok" for group in prometheus.get("rules")["groups"]
                        for rule in group["rules"]),
            "every rule was evaluated",
        )
        fenced = 'ALERTS{alertname="WindlassMemoryFenced"}'
        eventually(lambda: prometheus.ask(fenced), "the fence is on its way to an alert")
        node.tool("fault", 0, "query_hangs")
        hangs = 'ALERTS{alertname="WindlassDeviceUnresponsive", device="%s"}' % FIRST
        eventually(lambda: prometheus.ask(hangs), "so is the device that hangs", 60)
        assert prometheus.ask("max(scrape_duration_seconds)")
