"""`serve --record` keeps what the engine hears and says; `windlass replay` does it again."""

import json
import os
import signal
import subprocess

import pytest
from emulated import Node, device_probe
from support import SOON_S, eventually, probe, windlass_program

SECRET = b"a secret of the user"


def replay(path, *words):
    argv = [windlass_program(), "replay", str(path), *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=SOON_S)


def replayed(path):
    """What it says in JSON; it must have found nothing."""
    done = replay(path, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert said["equal"] and said["finding"] is None
    return said


def recorded(daemons, path, models=None, **how):
    arguments = ["--record", str(path), *how.pop("more", [])]
    text = "[daemon]\n" + (models or probe())
    return daemons.start(text, arguments=arguments, **how).wait_until_started()


def use(served):
    """Calls that are answered, that fail with text of the user's, and that wait for nobody."""
    assert served.ask("probe", {"value": 1}).status == 200
    failure = {"do": "raise", "error": "Transient", "message": SECRET.decode()}
    assert served.ask("probe", failure).status >= 400
    assert served.ask("probe", {"value": SECRET.decode()}).status == 200


def test_what_a_killed_daemon_did_is_done_again(daemons, tmp_path):
    path = tmp_path / "report.wlrec"
    served = recorded(daemons, path)
    assert served.log.wait_for("recording.started")["path"] == str(path)
    use(served)
    # A thread of its own writes it: what a turn has told is there a moment later.
    eventually(lambda: replayed(path)["events"] >= 11, "what happened is in the file")
    served.signal(signal.SIGKILL)
    served.exit_code = -signal.SIGKILL
    served.wait()
    said = replayed(path)
    assert said["end"] is None
    assert said["events"] >= 11 and said["commands"] >= 10
    assert said["models"] == ["probe"]
    content = path.read_bytes()
    assert SECRET not in content and str(tmp_path).encode() not in content
    text = replay(path).stdout
    assert "the daemon was killed" in text
    assert "Equal: the engine commands the same now" in text


def test_an_orderly_end_is_in_the_file_and_an_earlier_file_stays(daemons, tmp_path):
    path = tmp_path / "report.wlrec"
    path.write_bytes(b"earlier")
    served = recorded(daemons, path)
    use(served)
    served.end()
    assert path.read_bytes() == b"earlier"
    assert replayed(str(path) + ".1")["end"] == "stopped"


def test_a_recording_of_devices_that_trade_places_is_replayed(daemons, tmp_path):
    path = tmp_path / "report.wlrec"
    models = "".join(device_probe(name, "6GiB", "7GiB") for name in ("one", "two"))
    node = Node(daemons, "1x10GiB", models, arguments=["--record", str(path)])
    for name in ("one", "two", "one"):
        assert node.served.ask(name, {}).status == 200
    node.served.end()
    said = replayed(path)
    assert any(device.startswith("GPU-") for device in said["devices"])


def test_a_full_disk_ends_the_recording_and_not_the_daemon(daemons, tmp_path):
    path = tmp_path / "report.wlrec"
    # A file may have 16 KiB: as good as a disk that has no more.
    within = ["prlimit", "--fsize=16384:16384"]
    served = recorded(daemons, path, within=within)
    for _ in range(400):
        assert served.ask("probe", {"value": 1}).status == 200
    assert "can be replayed" in served.log.wait_for("recording.stopped")["message"]
    assert served.ask("probe", {"value": 1}).status == 200
    served.end()
    assert os.path.getsize(path) == 16384
    assert replayed(path)["end"] is None


def test_at_its_limit_the_recording_keeps_its_begin(daemons, tmp_path):
    path = tmp_path / "report.wlrec"
    served = recorded(daemons, path, more=["--record-limit", "4KiB"])
    for _ in range(60):
        assert served.ask("probe", {"value": 1}).status == 200
    assert "limit" in served.log.wait_for("recording.stopped")["message"]
    served.end()
    assert os.path.getsize(path) <= 4096
    assert replayed(path)["end"] == "limit"


@pytest.mark.parametrize(
    "content, code, words",
    [
        (None, 4, "there is no file"),
        (b"[daemon]\n", 2, "no recording: `windlass serve --record FILE` makes one"),
        (b"windlass recording\n\x01", 70, "its head is missing"),
    ],
)
def test_what_is_no_recording_is_refused_in_words(tmp_path, content, code, words):
    path = tmp_path / "report.wlrec"
    if content is not None:
        path.write_bytes(content)
    done = replay(path)
    assert done.returncode == code
    assert words in done.stderr and not done.stdout


def test_a_recording_that_cannot_be_made_is_a_mistake_at_the_start(daemons, tmp_path):
    missing = tmp_path / "missing" / "report.wlrec"
    refused = daemons.start("[daemon]\n" + probe(), arguments=["--record", str(missing)])
    refused.exit_code = 4
    message = refused.log.wait_for("daemon.failed")["message"]
    assert "give --record a file in a folder that can be written to" in message
