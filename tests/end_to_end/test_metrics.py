"""GET /metrics: what a scraper of Prometheus sees of a real daemon."""

import re

from support import eventually, probe

SERIES = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")


def scrape(served):
    """All series by name and labels."""
    reply = served.get("/metrics")
    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    found = {}
    for line in reply.body.decode().splitlines():
        if not line.startswith("#"):
            name, labels, value = SERIES.match(line).groups()
            found[name, labels or ""] = float(value)
    return found


def test_requests_times_residency_and_connections_are_told(daemon, gate):
    served = daemon(probe() + probe("other"))
    assert scrape(served)["windlass_model_residency", 'model="probe",residency="cold"'] == 1
    assert served.ask("probe").status == 200
    assert served.ask("probe", {"do": "call", "function": "no_such"}).status >= 400
    assert served.ask("nobody").status == 404
    with served.begin("probe", gate.hold("running")) as running, served.begin("probe") as waiting:
        served.said("ran running")
        served.wait_for_waiting(1)
        now = scrape(served)
        assert now["windlass_requests_running", 'model="probe"'] == 1
        assert now["windlass_requests_waiting", 'model="probe"'] == 1
        assert now["windlass_connections_open", ""] >= 3
        gate.open()
        assert running.reply().status == waiting.reply().status == 200
    now = scrape(served)
    calls = 'model="probe",route="call",status="200",type="ok"'
    assert now["windlass_requests_total", calls] == 3
    strangers = 'model="",route="call",status="404",type="not_found"'
    assert now["windlass_requests_total", strangers] == 1
    for part in ("queue_", "load_", "run_", ""):
        assert now["windlass_call_%sseconds_count" % part, 'model="probe"'] == 3
        assert ("windlass_call_%sseconds_count" % part, 'model="other"') not in now
    assert now["windlass_model_residency", 'model="probe",residency="ready"'] == 1
    assert now["windlass_model_loads_total", 'model="probe"'] == 1
    assert now["windlass_events_total", 'event="model.ready",model="probe"'] == 1
    assert now["windlass_connections_accepted_total", ""] >= 7
    assert now["windlass_connections_refused_total", ""] == 0
    assert now["windlass_resident_memory_bytes", ""] > 1e6
    assert now["windlass_open_fds", ""] > 5
    assert ("windlass_loop_lag_seconds_count", "") in now


def test_deaths_and_clients_that_vanish_are_counted(daemon):
    served = daemon(probe(backoff="1ms"))
    assert served.ask("probe", {"do": "call", "function": "kill_itself"}).status == 502
    with served.begin("probe", {"do": "heed_cancel", "name": "lost"}):
        served.said("ran lost")
    gone = 'model="probe",route="call",status="499",type="cancelled"'
    counted = lambda: ("windlass_requests_total", gone) in scrape(served)  # noqa: E731
    eventually(counted, "the vanished client is counted")
    now = scrape(served)
    assert now["windlass_events_total", 'event="worker.lost",model="probe"'] == 1
    assert now["windlass_model_failures_total", 'model="probe"'] == 1
    assert now["windlass_model_loads_total", 'model="probe"'] == 2
