"""Models without room for all of them at once: refused where they are pinned, else told."""

import signal

import pytest
from emulated import DEVICES, FIRST, LastingNode, Node, ballast, model, toml_of
from support import eventually, probe

PINNED = {"pinned": True, "preload": True}
A = ballast("a", "1GiB", "5GiB", **PINNED)
B = ballast("b", "1GiB", "5GiB", **PINNED)


def start(daemons, specification, models, **how):
    text = toml_of({"devices": DEVICES}) + models
    return daemons.start(text, arguments=("--emulate", specification), **how)


def test_pinned_models_without_room_for_both_are_refused_at_start(daemons):
    """[A5.7] With both names, as a mistake of the configuration, and before anything is loaded."""
    served = start(daemons, "1x8GiB", A + B + ballast("c", "1GiB", "5GiB"))
    served.exit_code = 2
    assert served.wait() == 2
    (mistake,) = served.log.find("configuration.error")
    said = "%s: the models a and b are `pinned`" % served.configuration
    assert mistake["message"].startswith(said)
    assert "a needs 5 GiB, b needs 5 GiB; %s has 8 GiB" % FIRST in mistake["message"]
    assert "Take `pinned` from one of them" in mistake["message"]
    assert not served.log.find("model.loading")
    assert served.log.find("daemon.stopped")


def test_with_room_for_both_they_are_served(daemons):
    node = Node(daemons, "2x8GiB", A + B)
    eventually(lambda: node.served.get("/readyz").status == 200, "both are loaded")
    assert not node.log.find("models.crowded") and not node.log.find("configuration.error")


def test_a_reload_is_refused_with_the_same_words(daemons):
    """[A5.7]"""
    node = Node(daemons, "1x8GiB", A)
    served = node.served
    before = served.configuration.read_text()
    served.configuration.write_text(before + B)
    served.signal(signal.SIGHUP)
    refused = served.log.wait_for("configuration.not_reloaded")
    assert "no room for its pinned models" in refused["message"]
    (mistake,) = served.log.find("configuration.error")
    assert "the models a and b are `pinned`" in mistake["message"]
    assert served.get("/api/models/b").status == 404
    assert node.call("a").status == 200

    served.configuration.write_text(before + ballast("b", "1GiB", "5GiB"))
    served.signal(signal.SIGHUP)
    served.log.wait_for("configuration.reloaded")
    crowded = served.log.wait_for("models.crowded")
    assert (crowded["model"], crowded["other"]) == ("a", "b")
    assert "the model b waits while the `pinned` model a is loaded" in crowded["message"]


def test_models_that_take_turns_are_told_once(daemons):
    """[A5.7]"""
    models = ballast("a", "1GiB", "5GiB") + ballast("b", "1GiB", "60%")
    models += ballast("small", "1GiB", "2GiB") + model("unsized", command=["nobody"])
    node = Node(daemons, "1x8GiB", models)
    crowded = node.log.wait_for("models.crowded")
    assert (crowded["level"], crowded["model"], crowded["other"]) == ("info", "a", "b")
    assert crowded["message"].startswith("the models a and b take turns")
    assert "b needs 60%" in crowded["message"]
    node.served.signal(signal.SIGHUP)
    node.log.wait_for("configuration.reloaded")
    assert len(node.log.find("models.crowded")) == 1
    assert [node.call(name).status for name in ("a", "b", "a")] == [200] * 3


def silent(node):
    """Its driver hangs as soon as it is asked which devices there are."""
    node.tool("fault", 0, "query_hangs")


def broken(node):
    node.tool("fault", 0, "driver_mismatch")


@pytest.mark.parametrize("spoil", [silent, broken])
def test_where_drivers_do_not_say_what_there_is_nothing_is_judged(daemons, tmp_path, spoil):
    """And the daemon is ready, once it has waited for them as long as for a first answer."""
    node = LastingNode(tmp_path / "node", "1x8GiB")
    spoil(node)
    keys = {**DEVICES, "answer_timeout": "500ms", "restart_pause": "500ms"}
    models = "".join(probe(name, pinned=True, need="60%") for name in "ab")
    served = daemons.start(toml_of({"devices": keys}) + models, node.environment)
    served.wait_until_started()
    if spoil is silent:
        assert served.get("/readyz").error["reason"] == "devices"
    eventually(lambda: served.get("/readyz").status == 200, "it waits for the devices no more")
    assert not served.log.find("configuration.error") and not served.log.find("models.crowded")
