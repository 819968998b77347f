"""A request of several stages: one lease for all of them."""

import sys

from emulated import CONTEXT, FIRST, Node
from support import MODELS, eventually, model_table

STAGES = ["detection", "separation", "transcription"]
SIZE = 256 << 20


def test_no_offload_happens_between_the_stages_of_a_run(daemons, tmp_path):
    """[R5] Each stage tells of itself, and takes far longer than the model may idle."""
    keys = {"python": "staged:Staged", "path": str(MODELS), "interpreter": sys.executable}
    keys.update(need="1GiB", offload_after="1ms", unload_after="never")
    table = model_table("staged", {"BALLAST_BYTES": str(SIZE) + "B"}, keys)
    node = Node(daemons, "1x8GiB,teardown=0s", table)
    gates = [tmp_path / stage for stage in STAGES]
    with node.served.begin("staged", [*zip(STAGES, map(str, gates))]) as running:
        runs = set()
        for number, (stage, gate) in enumerate(zip(STAGES, gates), 1):

            def find(expected={"step": number, "total": 3, "phase": stage}):
                (worker,) = node.workers("staged") or [{}]
                told = worker.get("progress") or {}
                is_there = expected.items() <= told.items()
                return (worker["id"], tuple(worker["running"])) if is_there else None

            runs.add(eventually(find, stage + " is told"))
            node.see_more_samples(FIRST)  # which takes its time
            assert node.used() == SIZE + CONTEXT and not node.log.find("model.offloading")
            gate.touch()
        assert running.reply().json() == STAGES
    assert len(runs) == 1  # one worker, one request
    node.log.wait_for("model.offloaded", model="staged")
    assert node.served.model("staged")["loads"] == 1
