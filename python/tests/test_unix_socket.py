"""The clients over a Unix socket: what differs from TCP."""

from __future__ import annotations

import os
import socket

import pytest
from blocking import BlockingClient
from fake_server import FakeServer

import windlass as wl
from windlass import async_transport, transport


@pytest.fixture(params=[wl.Client, BlockingClient], ids=["sync", "asyncio"])
def kind(request):
    return request.param


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "windlass.sock")


def test_calls_go_over_a_unix_socket_and_keep_their_connection(path, kind, monkeypatch):
    server = FakeServer(path)
    try:
        monkeypatch.setenv("WINDLASS_URL", f"unix:{path}")
        with kind() as client:
            for number in range(3):
                assert client.call("m", number) == number
            assert client.call("m", b"x" * (8 << 20)) == b"x" * (8 << 20)
        assert client.url == f"unix:{path}"
        assert server.connections == 1
        assert server.seen[0].path == "/api/models/m/call"
        assert server.seen[0].headers["Host"] == "localhost"
    finally:
        server.close()


def test_no_file_and_a_file_without_a_listener_say_to_start_the_daemon(path, kind):
    for _ in range(2):
        with pytest.raises(wl.Unavailable, match="start the daemon with `windlass serve`") as seen:
            kind(f"unix:{path}").health()
        assert seen.value.reason == "connection_refused"
        if not os.path.exists(path):
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(path)


def test_a_full_backlog_is_waited_for_but_not_for_ever(path, kind, monkeypatch):
    monkeypatch.setattr(transport, "CONNECT_TIMEOUT_S", 1)
    monkeypatch.setattr(async_transport, "CONNECT_TIMEOUT_S", 1)
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as filler:
        listener.bind(path)
        listener.listen(0)  # room for one that nobody takes
        filler.connect(path)
        with pytest.raises(wl.Unavailable, match="no connection to unix:.* timed out") as caught:
            kind(f"unix:{path}").health()
    assert caught.value.reason == "connection_failed"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may connect to every socket")
def test_a_socket_of_another_user_is_permission_denied(path, kind):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        os.chmod(path, 0)
        with pytest.raises(wl.PermissionDenied, match="run as the user whose daemon it is"):
            kind(f"unix:{path}").health()


def test_a_path_too_long_for_a_socket_is_refused_at_once():
    with pytest.raises(wl.InvalidInput, match="108 bytes, and 107 are the most"):
        wl.Client("unix:/" + "p" * 107)
    wl.Client("unix:/" + "p" * 106)
