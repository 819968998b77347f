"""Events: every code is documented, and what happens shows."""

import sys

import event_codes
from emulated import Node
from support import MODELS, eventually, model_table


def ask(daemon, query):
    return daemon.get("/api/events" + query).json()


def codes(daemon, query=""):
    return [event["code"] for event in ask(daemon, query)["events"]]


def explosive(hook, **keys):
    settings = {"python": "explosive:Explosive", "path": str(MODELS), "need": "64MiB"}
    settings.update({"interpreter": sys.executable, "backoff": "5m"}, **keys)
    return model_table("explosive", {"EXPLOSIVE": hook}, settings)


def test_the_page_tells_of_every_code_and_of_no_other():
    """[R17] With the fields that the sources give each."""
    sources, page = event_codes.codes_of_sources(), event_codes.codes_of_page()
    assert len(sources) > 80
    assert set(sources) == set(page)
    for code, fields in sources.items():
        if fields is not None and page[code] is not None:
            assert fields == page[code], code


def test_an_offload_shows(daemons):
    """[R17] As an event, beside each step before and after."""
    node = Node(daemons, "1x8GiB,teardown=0s", explosive("", offload_after="50ms"))
    assert node.call("explosive").status == 200
    node.log.wait_for("model.offloaded", model="explosive")
    eventually(
        lambda: "model.offloaded" in codes(node.served, "?model=explosive"), "it is an event"
    )
    seen = codes(node.served, "?model=explosive&code=model.")
    assert "model.loading" in seen and seen[-2:] == ["model.offloading", "model.offloaded"]
