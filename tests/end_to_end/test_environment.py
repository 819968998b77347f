"""What a worker finds around it, and where its prints go."""

import os
import sys

from support import MODELS, ROOT, environment_of, probe


def test_the_environment_of_a_model_is_in_its_process_from_the_start(daemon):
    """[R97] Read back from /proc/PID/environ, which is what the process got at its exec."""
    ours = {"OMP_NUM_THREADS": "3", "EMPTY": "", "TRICKY": "a=b \"c\" 'd' \u00e4", "HOME": "/none"}
    served = daemon(
        probe(env=ours) + probe("plain"),
        {"INHERITED": "yes", "CUDA_VISIBLE_DEVICES": "0", "ROCR_VISIBLE_DEVICES": "0"},
    )
    seen = environment_of(served.ask("probe").json()["pid"])
    for name, value in ours.items():
        assert seen[name] == value
    assert seen["INHERITED"] == "yes"
    # A model on the CPU cannot stray onto a GPU.
    assert seen["CUDA_VISIBLE_DEVICES"] == seen["ROCR_VISIBLE_DEVICES"] == ""
    generation = served.model()["generation"]
    assert seen["WINDLASS_WORKER"] == "%s/%d" % (served.id, generation)
    assert seen["TMPDIR"].startswith(str(served.state_dir / "run" / served.id))
    assert os.path.isdir(seen["TMPDIR"])

    other = environment_of(served.ask("plain").json()["pid"])
    assert "OMP_NUM_THREADS" not in other and other["HOME"] != "/none"
    assert other["TMPDIR"] != seen["TMPDIR"]
    assert other["WINDLASS_WORKER"] != seen["WINDLASS_WORKER"]


def test_the_temporary_folder_goes_with_the_process(daemon):
    served = daemon(probe(unload_after="0s"))
    for number in range(1, 4):
        with served.client() as client:
            client.call("probe", {"do": "call", "function": "leave_files"})
        served.log.wait_for("model.unloaded", count=number)
    left = os.listdir(str(served.state_dir / "run" / served.id))
    assert len(left) <= 1, left  # the last one may be on its way


def test_folder_and_modules_of_a_model(daemon, tmp_path):
    folder = tmp_path / "models"  # relative to the configuration file
    folder.mkdir()
    (folder / "probe_model.py").symlink_to(MODELS / "probe_model.py")
    served = daemon(probe(path="models", env={"PYTHONPATH": "/of/the/model"}))
    told = served.ask("probe", {"do": "describe"}).json()
    assert told["cwd"] == os.getcwd()
    expected = [str(folder), str(ROOT / "python"), "/of/the/model"]
    assert [path for path in told["path"] if path in expected] == expected
    assert environment_of(told["pid"])["PYTHONPATH"] == ":".join(expected)


def test_prints_become_log_lines_and_never_break_the_protocol(daemon):
    served = daemon(probe("noisy") + probe("other"))
    frame_like = "\x04\x01\x00\x00" + "\x00" * 16
    said = {1: ["to stdout", "second line"], 2: ["to stderr", frame_like + "{}"]}
    for descriptor, lines in said.items():
        order = {"do": "print", "descriptor": descriptor, "text": "\n".join(lines) + "\n"}
        assert served.ask("noisy", order).json() == "printed"
        stream = {1: "stdout", 2: "stderr"}[descriptor]
        found = served.log.wait_for("worker.output", model="noisy", stream=stream, line=lines[0])
        assert found["level"] == "info"
    served.log.wait_for("worker.output", model="noisy", line="second line")
    assert not served.log.find("worker.output", model="other", line="to stdout")

    # A line without an end, bytes that are no text, and more than a pipe holds at once.
    for text in ("no end", "\xff\xfe\n", "x" * 300_000 + "\n", "\n" * 1000):
        order = {"do": "print", "descriptor": 1, "text": text}
        assert served.ask("noisy", order).json() == "printed"
    assert served.ask("noisy", {"value": 7}).json()["value"] == 7
    assert served.model("noisy")["loads"] == 1


def test_a_worker_greets_with_its_versions(daemon):
    served = daemon(probe())
    pid = served.ask("probe").json()["pid"]
    hello = served.log.wait_for("worker.hello", pid=pid)
    assert hello["sdk"].startswith("python/")
    assert hello["runtime"] == ".".join(map(str, sys.version_info[:3]))
