"""Needs that nobody configured: learned by one daemon, used by the next."""

import contextlib
import os
import sqlite3
import stat
import subprocess

import pytest
from books import unload_and_check
from emulated import CONTEXT, FIRST, GIB, Node, device_probe
from support import SOON_S, eventually, probe, windlass_program

PEAK = 2 * GIB + CONTEXT
SPECIFICATION = "1x8GiB"
MODELS = device_probe("one", "2GiB") + device_probe("other", "2GiB")


def with_margin(count):
    return count + count // 16 + (64 << 20)


def need_of(node, model):
    state = node.served.model(model)
    return state["need"], state["need_bytes"]


def shown(node, model):
    """What `windlass models MODEL` says of its need."""
    argv = [windlass_program(), "models", "show", model, "--url", node.served.url]
    told = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=SOON_S).stdout
    return next(line.split(maxsplit=1)[1] for line in told.splitlines() if line.startswith("need"))


def rows_in(database):
    """How many peaks are committed there."""
    connection = sqlite3.connect("file:%s?mode=ro" % database, uri=True, timeout=SOON_S)
    with contextlib.closing(connection):
        return connection.execute("SELECT count(*) FROM peak").fetchone()[0]


def hold_both(node, gate):
    """A run of each model at the same time, which needs that each is loaded beside the other."""
    order = {"do": "devices", "gate": gate.path}
    return [node.served.begin(model, order) for model in ("one", "other")]


def test_a_second_start_uses_what_the_first_has_learned(daemons, gate):
    """[A3.10] Who loaded alone before is loaded beside others at once."""
    first = Node(daemons, SPECIFICATION, MODELS)
    state_dir = first.served.state_dir
    assert need_of(first, "one") == ("unknown", None) and shown(first, "one") == "unknown"
    for model in ("one", "other"):
        assert first.served.ask(model, {"do": "echo"}).status == 200
        first.log.wait_for("model.need_learned", model=model)
        assert need_of(first, model) == ("learned", PEAK)
    database = state_dir / "windlass.db"
    eventually(lambda: rows_in(database) >= 2, "both are on disk")
    first.served.end()
    assert stat.S_IMODE(os.stat(str(database)).st_mode) == 0o600

    second = Node(daemons, SPECIFICATION, MODELS, state_dir=state_dir)
    assert second.log.wait_for("store.opened")["peaks"] >= 2
    assert need_of(second, "one") == ("learned", PEAK)
    assert shown(second, "one") == "2.4 GiB (learned)"
    calls = hold_both(second, gate)
    eventually(
        lambda: all(second.served.model(model)["running"] == 1 for model in ("one", "other")),
        "both run at the same time",
    )
    second.wait_for_bytes(FIRST, "claimed", 2 * with_margin(PEAK))
    gate.open()
    for wire in calls:
        with wire:
            assert wire.reply().status == 200
    unload_and_check(second, "one", "other", uuids=[FIRST])


def damaged(path):
    path.write_bytes(b"x" * 8192)


def folder(path):
    path.mkdir()


@pytest.mark.parametrize("spoil, type_", [(damaged, "data_corrupt"), (folder, "unavailable")])
def test_a_store_that_cannot_be_used_is_told_and_all_else_works(daemons, spoil, type_):
    """The file is not touched: somebody may want to know what was in it."""
    state_dir = daemons.folder / "spoilt"
    state_dir.mkdir()
    database = state_dir / "windlass.db"
    spoil(database)
    before = database.read_bytes() if database.is_file() else None
    served = daemons.start(probe(), state_dir=state_dir).wait_until_started()
    failed = served.log.wait_for("store.failed")
    assert failed["type"] == type_ and str(database) in failed["message"]
    health = served.get("/healthz")
    assert health.status == 200 and health.json()["status"] == "degraded"
    (trouble,) = health.json()["troubles"]
    assert trouble["reason"] == "store_failed" and trouble["message"] == failed["message"]
    assert served.ask("probe", {"do": "echo"}).status == 200
    served.end()
    assert len(served.log.find("store.failed")) == 1
    if before is not None:
        assert database.read_bytes() == before and not os.path.exists(str(database) + "-wal")


def test_what_proves_too_small_is_forgotten(daemons, gate):
    """Then the model is loaded alone again, as if nobody had ever known."""
    node = Node(daemons, SPECIFICATION, device_probe("one", "2GiB"))
    assert node.served.ask("one", {"do": "echo"}).status == 200
    node.log.wait_for("model.need_learned", model="one")
    too_much = {"do": "fill", "bytes": 7 * GIB, "gate": gate.path}
    assert node.served.ask("one", too_much).error["type"] == "out_of_memory"
    node.log.wait_for("model.need_forgotten", model="one")
    assert need_of(node, "one") == ("unknown", None)
    unload_and_check(node, "one", uuids=[FIRST])
