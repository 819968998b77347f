"""What nothing moves for is understood from `windlass explain` alone."""

import json
import subprocess

from emulated import FIRST, GIB, Node, ballast, device_probe
from support import eventually, probe, windlass_program

SMALL = 3584 << 20


def run_cli(served, *words):
    argv = [windlass_program(), "explain", *words, "--url", served.url]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)


def explain(served, what):
    """The same in fields and in words, which agree."""
    answer = served.get("/api/explain/" + what)
    assert answer.status == 200, answer.body
    told = answer.json()
    said = run_cli(served, what)
    assert said.returncode == 0, said
    return told, said.stdout


def waiting_of(served, model, reason):
    """The id of the request that waits for that."""

    def find():
        requests = served.model(model)["waiting_requests"]
        return [r["request_id"] for r in requests if r["reason"] == reason]

    return eventually(find, "a request of %s waits: %s" % (model, reason))[0]


def test_a_full_device_is_explained_by_who_holds_it(daemons, gate):
    """[R87] Each byte has a name: a run of a model, which will make room, and a stranger."""
    models = ballast("big", "5GiB", "6GiB", max_wait="1h")
    models += device_probe("small", "3GiB", "3584MiB")
    node = Node(daemons, "1x8GiB", models)
    node.tool("stranger", 0, GIB)
    with node.served.begin("small", {"do": "devices", "gate": gate.path}) as running:
        eventually(lambda: node.served.model("small")["running"] == 1, "small runs")
        with node.served.begin("big") as waiting:
            request = waiting_of(node.served, "big", "memory")
            eventually(
                lambda: not explain(node.served, request)[0]["memory"]["asked"], "it was asked"
            )
            told, said = explain(node.served, request)
            memory = told["memory"]
            assert (memory["device"], memory["required_bytes"]) == (FIRST, 6 * GIB)
            held = sum(holder["bytes"] for holder in memory["holders"])
            assert held + memory["free_bytes"] == memory["capacity_bytes"] == 8 * GIB
            assert memory["missing_bytes"] == 6 * GIB - memory["free_bytes"]
            small, foreign = memory["holders"]
            assert (small["model"], small["doing"]) == ("small", "running")
            assert small["pid"] == node.served.model("small")["worker_pid"]
            assert small["until"]["step"] in ("run_timeout", "stall_timeout")
            assert small["makes_room_in_s"] > 0 and foreign["bytes"] == GIB
            assert told["next"]["step"] in ("run_timeout", "make_room")
            for words in ("6 GiB", "`small` (running", "not Windlass's", "(max_wait)"):
                assert words in said
            assert "windlass models unload small" in said
            everything = run_cli(node.served)
            assert "`big` is cold, waiting for memory" in everything.stdout
            node.tool("clear", 0)
            gate.open()
            assert running.reply().status == 200
            node.served.get("/api/models/small/unload", method="POST")
            assert waiting.reply().status == 200
    gone = run_cli(node.served, request)
    assert gone.returncode == 4 and "has its answer" in gone.stderr


def test_a_hung_run_and_the_queue_behind_it(daemon, gate):
    """Who runs, since when, until when at most; and who comes before."""
    served = daemon(probe(run_timeout="1h", stall_timeout="30m"))
    with served.begin("probe", {"do": "hold", "gate": gate.path}) as running:
        eventually(lambda: served.model()["running"] == 1, "it runs")
        with served.begin("probe") as first, served.begin("probe") as second:
            served.wait_for_waiting(2)
            ids = [r["request_id"] for r in served.model()["waiting_requests"]]
            told, said = explain(served, ids[1])
            assert (told["reason"], told["position"], told["waiting"]) == ("busy", 2, 2)
            (worker,) = told["processes"]
            assert worker["pid"] == served.model()["worker_pid"]
            assert told["next"]["step"] == "stall_timeout" and 0 < told["next"]["in_s"] <= 1800
            assert "2nd of 2" in said and "windlass workers kill" in said
            run, words = explain(served, worker["requests"][0])
            assert run["state"] == "running" and "runs in `probe`" in words
            gate.open()
            assert [wire.reply().status for wire in (running, first, second)] == [200] * 3
    assert "nothing waits" in run_cli(served).stdout


def test_a_crash_loop_tells_its_error_and_when_it_is_tried_again(daemon):
    served = daemon(probe(env={"PROBE_LOAD": "raise_plain"}, backoff="10m", backoff_max="10m"))
    assert served.ask("probe").status == 500
    eventually(lambda: served.model()["residency"] == "backoff", "it pauses")
    with served.begin("probe", wait="1h", timeout="1h"):
        request = waiting_of(served, "probe", "backoff")
        told, said = explain(served, request)
        assert told["next"]["step"] == "next_try" and 0 < told["next"]["in_s"] <= 600
        assert told["error"]["type"] == "internal" and told["error"]["message"] in said
        assert "windlass models load probe" in said
        model, words = explain(served, "probe")
        assert (model["state"], model["failures"]) == ("backoff", 1)
        assert model["waits"] == {"backoff": 1} and model["first"] == request
        assert "One request waits for it" in words


def test_a_paused_model_says_who_can_end_it(daemon):
    served = daemon(probe())
    served.get("/api/models/probe/pause", method="POST")
    with served.begin("probe") as waiting:
        told, said = explain(served, waiting_of(served, "probe", "paused"))
        assert told["next"] is None and "windlass models resume probe" in said
        listed = json.loads(run_cli(served, "--json").stdout)["explanations"]
        assert [each["subject"] for each in listed] == ["probe"]
        with served.client() as client:
            assert client.explain("probe")["paused"]
            assert [each["reason"] for each in client.explanations()] == ["paused"]
        served.get("/api/models/probe/resume", method="POST")
        assert waiting.reply().status == 200


def test_a_device_that_does_not_answer(daemons):
    devices = {"on_unknown_memory": "refuse", "answer_timeout": "300ms"}
    node = Node(daemons, "1x8GiB", ballast("big", "5GiB", "6GiB"), devices)
    node.tool("fault", FIRST, "query_hangs")
    node.wait_for(FIRST, "unresponsive")
    with node.served.begin("big"):
        told, said = explain(node.served, waiting_of(node.served, "big", "device"))
        assert told["next"]["step"] in ("ask_device", "device_silent")
        assert "answers" in said and "windlass devices" in said


def test_who_is_not_known_is_not_found(daemon):
    served = daemon(probe())
    for what, words in (("r99", "has its answer"), ("nobody", "there is no model nobody")):
        answer = served.get("/api/explain/" + what)
        assert (answer.status, answer.json()["error"]["type"]) == (404, "not_found")
        said = run_cli(served, what)
        assert said.returncode == 4 and words in said.stderr
