"""A scrape with everything in it, also while a device hangs; alert rules and dashboard."""

import json
import os
import signal
import time

from emulated import CONTEXT, FIRST, GIB, SECOND, Node, ballast, obedient
from jobs import submit, wait_until
from monitoring import (
    ALERTS,
    ALERTS_TEST,
    DASHBOARD,
    Scrape,
    alert_expressions,
    dashboard_expressions,
    documented_names,
    metric_names,
    panels,
    promtool,
)
from support import eventually, probe
from times import TIME_FACTOR

SCRAPE_S = 0.05 * TIME_FACTOR  # scenario A5.11


def troubled(daemons):
    """Two devices on which everything has happened once that can be counted."""
    here = {"devices": [FIRST], "backoff": "10ms"}
    models = ballast("a", "3GiB", "5GiB", **here) + ballast("b", "3GiB", "5GiB", **here)
    models += obedient("c", "1GiB", "2GiB", devices=[SECOND], backoff="10ms", recycle_after=4)
    models += probe("d", devices="cpu", stall_timeout="300ms", term_grace="50ms",
                    backoff="10ms", job_backoff="10ms")  # fmt: skip
    node = Node(daemons, "2x8GiB,teardown=0s", models, devices={"settle_timeout": "100ms"})
    assert node.call("a").status == 200
    assert node.call("b").status == 200  # which takes the place of a, whose weights go
    assert node.call("a").status == 200  # and come back
    assert node.call("nobody").status == 404
    order = {"do": "raise", "error": "InvalidInput", "message": "no"}
    assert node.served.ask("c", order).status == 400
    node.tool("fault", 1, "release_never")
    (worker,) = node.workers("c")
    os.kill(worker["pid"], signal.SIGKILL)
    node.log.wait_for("device.fenced", device=SECOND)
    for _ in range(4):
        assert node.served.ask("c").status == 200
    node.log.wait_for("model.recycled", model="c")
    once = {"do": "call_once", "file": str(daemons.folder / "once"), "function": "hang_deaf"}
    wait_until(node.served, submit(node.served, once, "d"), "succeeded")
    wait_until(node.served, submit(node.served, {**order, "message": "never"}, "d"), "failed")
    node.tool("stranger", 1, "1GiB")
    eventually(lambda: node.bytes_of(SECOND, "used") > 2 * GIB + 2 * CONTEXT, "it is measured")
    return node


def test_a_scrape_has_everything_and_prometheus_finds_no_fault_with_it(daemons):
    """[A5.11] [R51] [R150] By device and model: memory, moves, incidents, errors, restarts."""
    node = troubled(daemons)
    now = Scrape(node.served)
    promtool("check", "metrics", given=now.text)
    for name in ("offloads", "restores", "evictions"):
        assert now.find("windlass_model_%s_total" % name, model="a") >= 1, name
    for swap in ("load", "offload", "restore"):
        assert now.find("windlass_model_swap_seconds_count", model="a", swap=swap) >= 1, swap
    assert now.find("windlass_incidents_total", model="c", cause="worker_lost") == 1
    assert now.find("windlass_model_errors_total", model="c", type="worker_lost") == 1
    assert now.find("windlass_model_restarts_total", model="c") == 1
    assert now.find("windlass_model_failures_total", model="c") == 1
    assert now.find("windlass_workers_recycled_total", model="c", cause="runs") == 1
    calls = {"model": "c", "route": "call"}
    assert now.find("windlass_requests_total", **calls, type="invalid_input") == 1
    assert now.find("windlass_requests_oldest_wait_seconds", model="a") == 0
    assert now.find("windlass_job_stalls_total", model="d", end="retried") == 1
    assert now.find("windlass_jobs_recovered_total", model="d") == 1
    assert now.find("windlass_jobs_failed_total", model="d", reason="rejected") == 1
    eventually(
        lambda: Scrape(node.served).find("windlass_jobs", model="d", state="succeeded") == 1,
        "the counts of jobs are of now",
    )
    assert now.find("windlass_ready") == 1
    assert now.names() == documented_names()
    check_memory(node)


def check_memory(node):
    """By device and model: a scrape says what the driver and the ledger say, by pid."""

    def is_told():
        shown, now = node.device(SECOND), Scrape(node.served)
        for what in ("capacity", "used", "claimed", "foreign", "fenced"):
            if now.find("windlass_device_%s_bytes" % what, device=SECOND) != shown[what]["bytes"]:
                return False
        held = sum(h["used"]["bytes"] for h in shown["holders"] if h["model"] == "c")
        return now.find("windlass_model_used_bytes", model="c", device=SECOND) == held > GIB

    eventually(is_told, "a scrape says what GET /api/devices says")
    now = Scrape(node.served)
    assert now.find("windlass_device_fenced_bytes", device=SECOND) >= GIB
    assert now.find("windlass_model_used_peak_bytes", model="b") == 3 * GIB + CONTEXT
    assert now.find("windlass_model_claimed_bytes", model="a", device=FIRST) == 5 * GIB
    assert 3 * GIB <= now.find("windlass_device_used_peak_bytes", device=FIRST) <= 8 * GIB
    assert now.find("windlass_device_info", device=FIRST, kind="gpu", driver="nvml") == 1


def test_a_scrape_does_not_wait_for_a_device_that_hangs(daemons):
    """[A5.11] It takes 50 ms at most, and tells the last numbers with their age."""
    table = ballast("a", "3GiB", "5GiB", devices=[FIRST])
    node = Node(daemons, "2x8GiB,teardown=0s", table, devices={"answer_timeout": "500ms"})
    assert node.call("a").status == 200
    held = 3 * GIB + CONTEXT
    node.wait_for_bytes(FIRST, "used", held)
    node.tool("fault", 0, "query_hangs")
    took = []
    while node.device(FIRST)["state"] == "ok":  # asked for metrics all the while
        took.append(timed_scrape(node))
    node.wait_for(FIRST, "unresponsive")
    took += [timed_scrape(node) for _ in range(50)]
    took.sort()
    print("scrapes while a device hangs: median %.1f ms, longest %.1f ms" %
          (took[len(took) // 2] * 1e3, took[-1] * 1e3))
    assert took[-1] <= SCRAPE_S
    now = Scrape(node.served)
    assert now.find("windlass_device_answers", device=FIRST) == 0
    assert now.find("windlass_device_state", device=FIRST, state="unresponsive") == 1
    assert now.find("windlass_device_used_bytes", device=FIRST) == held
    assert now.find("windlass_device_sample_age_seconds", device=FIRST) > 0
    assert now.find("windlass_device_answers", device=SECOND) == 1


def timed_scrape(node):
    began = time.monotonic()
    Scrape(node.served)
    return time.monotonic() - began


def test_alert_rules_are_sound_and_fire_when_they_should():
    """[A5.11] `promtool test rules` plays each of them."""
    assert "SUCCESS" in promtool("check", "rules", ALERTS)
    promtool("test", "rules", ALERTS_TEST)
    names = [name for name, _ in alert_expressions()]
    tested = ALERTS_TEST.read_text()
    assert len(names) == len(set(names)) >= 15
    assert not [name for name in names if name not in tested]
    assert ALERTS.read_text().count("action: ") == len(names)


def test_the_dashboard_can_be_imported_and_asks_for_what_there_is():
    """[A5.11] Its queries are run on a real Prometheus by `make test-monitoring`."""
    dashboard = json.loads(DASHBOARD.read_text())
    assert dashboard["id"] is None and dashboard["uid"] == "windlass"
    numbers = [panel["id"] for panel in dashboard["panels"]]
    assert len(numbers) == len(set(numbers))
    for panel in panels():
        assert panel["title"] and panel["description"]
        assert panel["datasource"]["uid"] == "${datasource}"
        place = panel["gridPos"]
        assert 0 <= place["x"] and place["x"] + place["w"] <= 24
    told = metric_names(dashboard_expressions())
    assert not (told | metric_names(alert_expressions())) - documented_names()
    # Two that only people who look at one device or program read in full.
    assert documented_names() - told <= {"windlass_device_answers", "windlass_device_info"}
