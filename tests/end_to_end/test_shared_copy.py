"""One copy for 9, 17 and 33 client processes, judged from outside by shared_copy.py."""

import json
import os
import subprocess
import sys

import shared_copy
from crowd import IDLE_CLIENT, READY_S, Crowd
from support import HERE, MODELS

WEIGHTS = 512 << 20
PRIVATE_COPIES = 3  # enough to show that each one counts; 33 of them would need 17 GB

CONFIGURATION = """
[models.ballast]
python = "ballast_model:Ballast"
path = {path}
interpreter = {interpreter}
devices = "cpu"
env = {{ BALLAST_BYTES = "{size}" }}
""".format(path=json.dumps(str(MODELS)), interpreter=json.dumps(sys.executable), size=WEIGHTS)


def test_one_copy_serves_9_17_and_33_clients(daemon):
    """[A3.1] [R59] The sum of memory grows by what clients cost, never by a copy of the weights."""
    served = daemon(CONFIGURATION)
    argv = [IDLE_CLIENT, served.url, "ballast", '{"index": 12345}']
    answers, verdicts = [], {}
    with Crowd() as clients:
        for count in (1, 9, 17, 33):
            answers += clients.grow_to(count, argv)
            pids = shared_copy.family_of(served.pid) + clients.pids
            verdicts[count] = shared_copy.look(pids)
            assert set(clients.pids) <= {seen.pid for seen in verdicts[count].readings}
        # What an idle client costs: its PSS when it was the only one.
        alone = next(seen for seen in verdicts[1].readings if seen.pid == clients.pids[0])

    # Equal answers from one process: all clients used the same bytes of the same copy.
    assert len(answers) == 33
    assert len({json.loads(line)["byte"] for line in answers}) == 1
    worker_pids = {json.loads(line)["pid"] for line in answers}
    assert len(worker_pids) == 1

    for count, verdict in verdicts.items():
        holders = verdict.holders(WEIGHTS)
        assert {seen.pid for seen in holders} == worker_pids, "%d clients:\n%s" % (count, verdict)
        assert len(verdict.private_holders(WEIGHTS)) == 1, "%d clients:\n%s" % (count, verdict)
    growth = verdicts[33].pss - verdicts[9].pss
    assert growth <= 24 * alone.pss * 1.05, "%.1f MiB for 24 clients of %.1f MiB\n%s" % (
        growth / 2**20, alone.pss / 2**20, verdicts[33])


def test_the_judge_sees_each_private_copy():
    """[A3.1] Control: without Windlass N processes hold N copies, and the judge says N."""
    with Crowd({"BALLAST_BYTES": str(WEIGHTS)}) as copies:
        copies.grow_to(PRIVATE_COPIES, [os.path.join(MODELS, "ballast_model.py")])
        verdict = shared_copy.look(copies.pids)
    assert len(verdict.holders(WEIGHTS)) == PRIVATE_COPIES, str(verdict)
    assert len(verdict.private_holders(WEIGHTS)) == PRIVATE_COPIES, str(verdict)
    assert verdict.pss >= PRIVATE_COPIES * WEIGHTS, str(verdict)


def test_the_judge_follows_descendants_and_tells_who_holds_how_much():
    """[A3.1] The program form: a tree of two processes, the child alone with 64 MiB."""
    child = "import sys; held = bytearray(64 << 20); print('ready', flush=True); sys.stdin.read()"
    parent = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    with Crowd() as crowd:
        crowd.grow_to(1, ["-c", parent, child])
        command = [sys.executable, os.path.join(HERE, "shared_copy.py"), "--json"]
        command += ["--size-mib", "64", "--tree", str(crowd.pids[0])]
        told = json.loads(subprocess.check_output(command, timeout=READY_S))
    holders = [seen for seen in told["processes"] if seen["pid"] in told["holders"]]
    assert len(told["processes"]) == 2
    assert len(holders) == 1 and holders[0]["pid"] != crowd.pids[0]
    assert told["pss"] == sum(seen["pss"] for seen in told["processes"])
