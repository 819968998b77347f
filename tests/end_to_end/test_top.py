"""`windlass top` in a real terminal and as JSON, beside the process table and the driver's list."""

import json
import os
import signal
import subprocess

import pytest
from books import truth_of
from emulated import FIRST, GIB, SECOND, Node, ballast
from processes import is_alive
from support import SOON_S, eventually, windlass_program
from terminal import Terminal
from test_answer_memory import measured_probe
from test_children_with_memory import child_of, family

MIB = 1 << 20
QUICK = ("--interval", "100ms")


def top(node, *words):
    return [windlass_program(), "top", "--url", node.served.url, *QUICK, *words]


def looks(node, count):
    argv = top(node, "--json", "--count", str(count))
    done = subprocess.run(argv, capture_output=True, text=True, timeout=SOON_S, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def mebibytes(count):
    return round(count / MIB)


def row_of(terminal, worker):
    """The numbers in a worker's row at 80 columns, of which none may be unknown."""
    words = terminal.line_with("#%d " % worker["id"], str(worker["pid"])).split()
    return int(words[words.index("#%d" % worker["id"]) + 1]), list(map(int, words[-4:]))


def test_json_agrees_with_driver_and_process_table(daemons):
    """[R21] [R51] [R72] [R81] [R154] Of workers, a child of one, and a stranger."""
    node = Node(daemons, "1x24GiB", measured_probe("probe") + family("stay", "6GiB"))
    node.tool("stranger", FIRST, "1GiB", os.getpid())
    for _ in range(2):  # from the second on its allocator is known
        node.served.ask("probe")
    node.served.ask("family")
    child = child_of(node)
    node.see_more_samples(FIRST)
    first, second = looks(node, 2)
    assert first["time"] < second["time"] and second["daemon"]["status"] == "ok"
    held = {process["pid"]: process["bytes"] for process in truth_of(node)["processes"]}
    (device,) = second["devices"]
    told = {holder["pid"]: holder["used"]["bytes"] for holder in device["holders"]}
    assert set(told) == set(held) and child in told
    assert all(is_alive(pid) for pid in told)
    assert all(abs(told[pid] - held[pid]) < MIB for pid in held)
    assert all(holder["used_peak"]["bytes"] >= told[holder["pid"]] for holder in device["holders"])
    workers = {worker["model"]: worker for worker in second["workers"]}
    assert workers["probe"]["used_bytes"] == held[workers["probe"]["pid"]]
    assert workers["probe"]["allocator_bytes"] == 3 * GIB  # both numbers, side by side
    assert workers["family"]["used_bytes"] == held[workers["family"]["pid"]] + held[child]
    models = {model["name"]: model for model in second["models"]}
    for name, worker in workers.items():
        for what in ("used_bytes", "claimed_bytes", "allocator_bytes"):
            assert models[name][what] == worker[what]
        assert worker["next"]["step"] in ("offload", "unload") and worker["next"]["in_s"] > 0
    assert device["claimed"]["bytes"] == sum(w["claimed_bytes"] for w in workers.values())


def test_the_screen_shows_pids_and_bytes_as_they_are(daemons, tmp_path):
    """[R21] [R72] [R81] [R154] At 80 columns and wide, in UTF-8 and ASCII."""
    node = Node(daemons, "2x24GiB", ballast("steel", "3GiB", "4GiB"))
    node.tool("stranger", FIRST, "1GiB", os.getpid())
    node.call("steel"), node.call("steel")
    (worker,) = node.workers("steel")
    index = int(worker["device"][-1], 16)
    with Terminal(tmp_path, top(node)) as terminal:
        terminal.wait_for("STRANGERS", "3072")
        pid, (used, peak, allocator, claimed) = row_of(terminal, worker)
        assert pid == worker["pid"] and is_alive(pid)
        (truth,) = [p for p in truth_of(node, index)["processes"] if p["pid"] == pid]
        assert abs(used * MIB - truth["bytes"]) <= MIB and peak == used
        assert (allocator, claimed) == (3 * 1024, 4 * 1024)
        assert terminal.line_with("%d gpu0" % os.getpid()).split()[-1] == "1024"
        shown = terminal.line_with("gpu%d" % index, "[")
        assert "%d/24576" % mebibytes(truth_of(node, index)["used"]) in shown and "█" in shown
        lines = terminal.lines()
        assert lines[0].endswith("ok") and len(lines[0]) == 80  # nothing was wrapped
        assert lines[-1].startswith("? help") and len(lines) == 24
        terminal.resize(160, 50)
        terminal.wait_for("C-PEAK", FIRST, SECOND)
        terminal.resize(60, 12)
        eventually(lambda: len(terminal.lines()[0]) == 60, "it fits the small terminal")
        terminal.press("End")
        terminal.wait_for("STRANGERS")
        terminal.press("q")
        assert terminal.wait_for_end() == (0, True)
    with Terminal(tmp_path, top(node), locale="C", lines=40) as terminal:
        assert "[###" in terminal.line_with("gpu%d" % index, "[")
        terminal.wait_for("#%d" % worker["id"])
        assert terminal.text().isascii()


def test_keys_sort_filter_fold_and_explain(daemons, tmp_path):
    node = Node(
        daemons, "1x24GiB", ballast("small", "1GiB", "2GiB") + ballast("zinc", "5GiB", "6GiB")
    )
    node.call("small"), node.call("zinc")
    with Terminal(tmp_path, top(node)) as terminal:
        def models():
            names = [line.split()[1] for line in terminal.lines() if line[:1] in "▾▸ "
                     and line.split()[1:2] and line.split()[1] in ("small", "zinc")]
            return names

        terminal.line_with("zinc", "5570")  # with the context
        eventually(lambda: models() == ["zinc", "small"], "the largest is first")
        terminal.press("s")
        terminal.wait_for("sorted by model")
        eventually(lambda: models() == ["small", "zinc"], "they are in order of names")
        terminal.press("/", "z", "i", "n", "Enter")
        eventually(lambda: models() == ["zinc"], "only what has the text is there")
        assert "only: zin" in terminal.text()
        terminal.press("Escape")
        eventually(lambda: models() == ["small", "zinc"], "all are there again")
        terminal.press("End", "Left", "Up", "Up")
        terminal.press("?")
        terminal.wait_for("kill the chosen worker; asks before", "any key: back")
        terminal.press("x")
        terminal.press("+")
        terminal.wait_for("every 200ms")
        terminal.press("p")
        terminal.wait_for("paused")


def test_a_worker_is_killed_only_after_a_yes(daemons, tmp_path):
    node = Node(daemons, "1x24GiB", ballast("steel", "1GiB", "2GiB", run_ms=600_000))
    call = node.served.begin("steel")
    worker = node.wait_until_runs("steel")
    with call, Terminal(tmp_path, top(node)) as terminal:
        terminal.wait_for("#%d" % worker["id"], worker["running"][0], "1 running, 0 waiting")
        terminal.press("k")
        terminal.wait_for("choose a worker")
        terminal.press("End", "k")
        question = "kill worker %d of steel, pid %d, 1 running?" % (worker["id"], worker["pid"])
        terminal.wait_for(question)
        assert is_alive(worker["pid"])
        terminal.press("n")
        terminal.wait_for("nothing was killed")
        assert is_alive(worker["pid"]) and not node.log.find("worker.kill_ordered")
        terminal.press("k")
        terminal.wait_for(question)
        terminal.press("y")
        terminal.wait_for("worker %d is being killed" % worker["id"])
        node.log.wait_for("worker.reaped", generation=worker["id"])
        assert not is_alive(worker["pid"])
        assert call.reply().error["type"] == "worker_lost"


@pytest.mark.parametrize("how", ["quit", "SIGTERM", "SIGINT", "daemon"])
def test_the_terminal_is_given_back_on_every_way_out(daemons, tmp_path, how):
    node = Node(daemons, "1x8GiB", ballast("steel", "1GiB", "2GiB"))
    with Terminal(tmp_path, top(node)) as terminal:
        terminal.wait_for("gpu0", "steel")
        if how == "daemon":
            node.served.exit_code = -signal.SIGKILL
            node.served.signal(signal.SIGKILL)
            terminal.wait_for("away", "no answer, trying again", "steel")
        if how.startswith("SIG"):
            (program,) = subprocess.check_output(
                ["pgrep", "-P", str(terminal.pid)], text=True
            ).split()
            os.kill(int(program), getattr(signal, how))
        else:
            terminal.press("q")
        assert terminal.wait_for_end() == (0, True)


def test_colours_are_left_out_where_they_are_not_wanted(daemons, tmp_path):
    node = Node(daemons, "1x8GiB", ballast("steel", "1GiB", "2GiB"))
    for words, environment, has_colours in (
        ((), {}, True),
        ((), {"NO_COLOR": "1"}, False),
        (("--no-color",), {}, False),
    ):
        with Terminal(tmp_path, top(node, *words), **environment) as terminal:
            terminal.wait_for("gpu0", "steel")
            assert terminal.has_colours() is has_colours, (words, environment)


def test_without_a_terminal_it_says_what_to_do(daemons, tmp_path):
    node = Node(daemons, "1x8GiB", ballast("steel", "1GiB", "2GiB"))
    refused = subprocess.run(top(node), capture_output=True, text=True, timeout=SOON_S)
    assert refused.returncode == 10 and "windlass top --json" in refused.stderr, refused
    with Terminal(tmp_path, top(node), TERM="dumb") as terminal:
        code, _ = terminal.wait_for_end()
        assert code == 10 and "cannot place" in terminal.text()
    argv = [windlass_program(), "top", "--url", "unix:/none", "--json", "--count", "1"]
    away = subprocess.run(argv, capture_output=True, text=True, timeout=SOON_S)
    assert json.loads(away.stdout)["error"]["type"] == "unavailable" and away.returncode == 6
