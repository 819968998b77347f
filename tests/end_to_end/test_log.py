"""A log that nobody reads holds up nobody."""

import json
import os
import signal
import subprocess

from support import SOON_S, Wire, eventually, probe, windlass_program


def test_calls_are_answered_while_nobody_reads_a_chatty_log(tmp_path):
    configuration = tmp_path / "windlass.toml"
    configuration.write_text('[daemon]\nlisten = "127.0.0.1:0"\n' + probe())
    socket = tmp_path / "windlass.sock"
    argv = [windlass_program(), "serve", "--config", str(configuration), "--log", "json"]
    argv += ["--state-dir", str(tmp_path / "state"), "--socket", str(socket)]
    process = subprocess.Popen(argv, stderr=subprocess.PIPE)  # and it is not read
    try:
        eventually(socket.exists, "the daemon listens")

        def ask(order):
            with Wire(str(socket)) as wire:
                headers = {"Content-Type": "application/json"}
                body = json.dumps(order).encode()
                wire.request("POST", "/api/models/probe/call", body, headers)
                return wire.reply()

        eventually(lambda: ask({"value": 0}).status == 200, "it answers")
        line = "x" * 8_000
        for number in range(1_000):  # 8 MB: the pipe takes 64 KiB, the daemon 4 MiB
            assert ask({"value": number, "name": line}).json()["value"] == number

        kept = [json.loads(process.stderr.readline())["event"] for _ in range(200)]
        assert "worker.output" in kept
        said = None  # once there is room, how many lines were lost; a call makes it log something
        while said is None:
            text = process.stderr.readline()
            event = json.loads(text)
            if event["event"] == "log.lines_lost":
                said = event["lines"]
            elif number % 10 == 0:
                assert ask({"value": 0, "name": "more"}).status == 200
            number += 1
        assert 0 < said < 1_000
    finally:
        process.send_signal(signal.SIGTERM)
        os.set_blocking(process.stderr.fileno(), True)
        process.stderr.read()
        assert process.wait(SOON_S) == 0
        process.stderr.close()
