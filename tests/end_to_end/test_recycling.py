"""Workers that are replaced after so many runs; nobody who asks notices."""

import collections
import signal
import threading

from support import probe
from test_metrics import scrape

CLIENTS, EACH = 32, 8


def ask_at_once(served, clients, each):
    """All answers of `clients` threads that each ask `each` times; an error fails the test."""
    answers = []

    def ask(number):
        with served.client() as client:
            for turn in range(each):
                value = "%d/%d" % (number, turn)
                answer = client.call("probe", {"do": "count", "value": value})
                assert answer["value"] == value
                answers.append(answer)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_each_process_makes_exactly_so_many_runs_and_no_call_fails(daemon):
    """32 clients without a pause; 256 calls are 32 processes of 8."""
    served = daemon(probe(recycle_after=8, concurrency=3))
    answers = ask_at_once(served, CLIENTS, EACH)
    assert len(answers) == CLIENTS * EACH
    runs = collections.Counter(answer["pid"] for answer in answers)
    assert set(runs.values()) == {8} and len(runs) == CLIENTS * EACH // 8
    recycled = served.log.wait_for("model.recycled", count=len(runs))
    assert (recycled["cause"], recycled["runs"], recycled["level"]) == ("runs", 8, "info")
    assert served.model()["failures"] == 0
    assert served.log.find("request.failed") == served.log.find("worker.lost") == []
    counted = scrape(served)
    assert counted["windlass_workers_recycled_total", 'cause="runs",model="probe"'] == len(runs)


def test_the_next_process_is_there_before_anybody_asks(daemon):
    served = daemon(probe(recycle_after=1))
    first = served.ask("probe").json()["pid"]
    served.log.wait_for("model.ready", count=2)
    second = served.ask("probe").json()["pid"]
    assert second != first
    served.log.wait_for("model.ready", count=3)
    assert len(served.log.find("model.recycled")) == 2


def test_copies_are_replaced_each_by_its_own_count(daemon):
    served = daemon(probe(recycle_after=5, copies=2))
    answers = ask_at_once(served, 8, 10)
    runs = collections.Counter(answer["pid"] for answer in answers)
    assert sum(runs.values()) == 80 and max(runs.values()) == 5
    assert served.log.find("request.failed") == []


def test_an_unload_is_not_undone_by_what_was_to_come_next(daemon, gate):
    keys = {"recycle_after": 1, "env": {"PROBE_END": "load_at_gate", "PROBE_GATE": gate.path}}
    served = daemon(probe(**keys))
    assert served.ask("probe").status == 200
    served.log.wait_for("model.recycled")
    served.said("hook exit")
    with served.wire() as wire:
        wire.request("POST", "/api/models/probe/unload")
        served.log.wait_for("request.failed", type="cancelled")  # that wish
        gate.open()
        assert wire.reply().status == 200
    assert served.model()["residency"] == "cold"
    assert served.model()["loads"] == 1


def test_a_reload_sets_the_number_without_a_new_process(daemon):
    served = daemon(probe())
    for _ in range(3):
        pid = served.ask("probe").json()["pid"]
    served.configuration.write_text("[daemon]\n" + probe(recycle_after=5))
    served.signal(signal.SIGHUP)
    served.log.wait_for("configuration.reloaded")
    assert [served.ask("probe").json()["pid"] for _ in range(2)] == [pid, pid]
    assert served.log.wait_for("model.recycled")["runs"] == 5
    assert served.ask("probe").json()["pid"] != pid
