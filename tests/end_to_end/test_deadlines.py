"""What a model may take for its load, run, offload and end is over at that moment, not later."""

import sys

from daemon_log import moment
from emulated import Node
from support import AT_ONCE_S, MODELS, model_table, probe

LIMIT_S = 0.4
LIMIT = "400ms"
LATE_S = AT_ONCE_S / 2  # what a limit may be late; a slow machine more
EARLY_S = AT_ONCE_S / 5  # where something begins is told from elsewhere, a moment after it


def stuck_models():
    """A model for each limit, named after it; it is over this one that each of them hangs."""
    keys = {"devices": "cpu", "backoff": "1m"}
    offload = {"path": str(MODELS), "interpreter": sys.executable, "need": "1GiB"}
    return "".join([
        probe("load_timeout", {"PROBE_LOAD": "hang_deaf"}, load_timeout=LIMIT, **keys),
        probe("run_timeout", run_timeout=LIMIT, **keys),
        probe("term_grace", {"PROBE_END": "hang_deaf"}, term_grace=LIMIT, **keys),
        model_table("offload_timeout", {"STUBBORN": "hangs"}, {
            "python": "stubborn:Stubborn", "offload_after": "0s", "unload_after": "never",
            "offload_timeout": LIMIT, **offload,
        }),
    ])  # fmt: skip


def test_each_limit_ends_what_hangs_within_half_a_second_of_its_time(daemons):
    """[R7] Of a load, a run, an offload and an unload; each hangs and heeds nothing."""
    node = Node(daemons, "1x8GiB", stuck_models(), daemon={"shutdown_grace": "100ms"})
    served, log = node.served, node.log

    assert served.ask("load_timeout").error["type"] == "timeout"
    stuck = {"do": "call", "function": "hang_deaf", "name": "stuck"}
    assert served.ask("run_timeout", stuck).error["type"] == "timeout"
    assert node.call("offload_timeout").status == 200
    assert served.ask("term_grace").status == 200
    served.get("/api/models/term_grace/unload", "POST")

    def late_s(model, begins, ends, limits=1):
        said = {"line": begins} if begins in ("hanging", "ran stuck") else {}
        begin = log.wait_for("worker.output" if said else begins, model=model, **said)
        return moment(log.wait_for(ends, model=model)) - moment(begin) - limits * LIMIT_S

    late = {
        "load": late_s("load_timeout", "hanging", "model.load_failed"),
        "run": late_s("run_timeout", "ran stuck", "run.limit_reached"),
        "offload": late_s("offload_timeout", "model.offloading", "model.offload_failed"),
        "unload": late_s("term_grace", "model.stopping", "worker.terminated"),
        "its SIGKILL": late_s("term_grace", "model.stopping", "worker.killed", 2),
    }
    print(", ".join("%s %.3f s" % told for told in late.items()))
    assert max(late.values()) <= LATE_S, late
    assert min(late.values()) >= -EARLY_S, late
