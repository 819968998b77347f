"""Devices as users see them: none, broken, emulated, hanging, lost; and the daemon goes on."""

import json
import os
import pathlib
import signal
import subprocess
import time

import pytest
from freezer import Freezer
from processes import children_but_hosts, driver_hosts_of, environment_of, is_alive
from support import SOON_S, eventually, probe, windlass_program
from times import TIME_FACTOR

FIRST = "GPU-e0000000-0000-0000-0000-000000000000"
SECOND = "GPU-e0000000-0000-0000-0000-000000000001"
GIB = 1 << 30

PATIENT = """[devices]
sample_interval = "50ms"
answer_timeout = "%dms"
list_interval = "100ms"
restart_pause = "100ms"
""" % (500 * TIME_FACTOR)


class Emulated:
    """A daemon on emulated devices, and the tool that makes them go wrong."""

    def __init__(self, daemons, specification="2x24GiB", configuration=PATIENT, models=None):
        text = configuration + (probe(devices="cpu") if models is None else models)
        self.served = daemons.start(text, arguments=("--emulate", specification))
        self.served.wait_until_started()
        self.node = self.served.state_dir / "emulator"
        program = pathlib.Path(windlass_program())
        self.tool = program.parent / "windlass-emulator"
        self.wait_for(FIRST, "ok")

    def break_(self, *words):
        """`windlass-emulator WORD NODE ...`."""
        argv = [str(self.tool), words[0], str(self.node), *map(str, words[1:])]
        subprocess.run(argv, check=True, timeout=SOON_S)

    def device(self, uuid):
        found = [d for d in self.served.get("/api/devices").json()["devices"] if d["uuid"] == uuid]
        return found[0] if found else {"state": "not listed", "used": None}

    def wait_for(self, uuid, state):
        check = lambda: self.device(uuid)["state"] == state  # noqa: E731
        eventually(check, "%s is %s" % (uuid, state))


def run_cli(served, *words):
    argv = [windlass_program(), *words, "--url", served.url]
    return subprocess.run(argv, capture_output=True, text=True, timeout=SOON_S)


def maps_of(pid):
    return pathlib.Path("/proc/%d/maps" % pid).read_text()


@pytest.mark.parametrize("how", ["absent", "broken"])
def test_without_a_driver_or_with_a_broken_one_all_goes_on(daemons, tmp_path, how):
    """[A5.5] [R131] [R136] No exception and exit code 0 anywhere; absent numbers are absent."""
    library = tmp_path / "libnvidia-ml.so.1"
    if how == "broken":
        library.write_text("this is no library")
    served = daemons.serve(probe(devices="cpu"), {"WINDLASS_NVML_LIBRARY": str(library)})
    import windlass as wl

    assert served.log.wait_for("device.driver")["state"] == how
    assert wl.devices(served.url) == []
    (cpu,) = wl.devices(served.url, cpu=True)
    assert cpu["uuid"] == "cpu" and cpu["holders"] is not None
    eventually(lambda: wl.devices(served.url, cpu=True)[0]["used"], "the CPU was measured")
    (cpu,) = wl.devices(served.url, cpu=True)
    assert cpu["capacity"]["bytes"] > cpu["used"]["bytes"] > 0
    assert cpu["capacity"]["source"] and cpu["capacity"]["age_s"] >= 0
    shown = run_cli(served, "devices")
    assert shown.returncode == 0 and "cpu" in shown.stdout, shown
    told = run_cli(served, "devices", "--json")
    assert told.returncode == 0
    assert json.loads(told.stdout)["devices"] == []
    assert json.loads(told.stdout)["drivers"][0]["state"] == how
    assert served.get("/healthz").json()["status"] == "ok"
    assert served.ask("probe").status == 200


FIELDS = """uuid kind driver name state state_since_s trouble capacity used used_peak free claimed
    claimed_peak foreign fenced holders holders_known busy_percent compute_capability driver_version
    cuda_version bus_id host_pid"""


def test_emulated_devices_are_shown_with_who_holds_what(daemons):
    """[R128] Every field is there, for the CPU too."""
    emulated = Emulated(daemons)
    served = emulated.served
    emulated.break_("stranger", FIRST, "3GiB", served.pid)
    emulated.break_("stranger", FIRST, "1GiB")
    eventually(lambda: emulated.device(FIRST)["used"]["bytes"] == 4 * GIB, "it is measured")
    device = emulated.device(FIRST)
    assert device["capacity"]["bytes"] == 24 * GIB
    assert device["used"]["source"] == "nvml" and device["used"]["age_s"] < SOON_S
    assert device["claimed"]["bytes"] == 0 and device["fenced"]["bytes"] == 0
    assert device["compute_capability"] and device["driver_version"] and device["bus_id"]
    (holder,) = device["holders"]
    assert holder["pid"] == served.pid and holder["used"]["bytes"] == 3 * GIB
    assert holder["used_peak"]["bytes"] == 3 * GIB and device["used_peak"]["bytes"] == 4 * GIB
    assert holder["name"] == "windlass" and holder["model"] is None
    assert emulated.device(SECOND)["used"]["bytes"] == 0
    told = served.get("/api/devices").json()
    for shown in [*told["devices"], told["cpu"]]:
        assert sorted(shown) == sorted(FIELDS.split())
    shown = run_cli(served, "devices").stdout
    assert FIRST in shown and "4 GiB" in shown and "3 GiB" in shown, shown
    assert device["compute_capability"] in shown and device["driver_version"] in shown, shown
    metrics = served.get("/metrics").body.decode()
    assert 'windlass_device_used_bytes{device="%s"} 4294967296' % FIRST in metrics


def test_the_daemon_loads_no_driver_and_hosts_only_nvml(daemons):
    """[A3.2] Law 7: neither daemon nor client has a driver library in its memory."""
    emulated = Emulated(daemons)
    served = emulated.served
    import windlass as wl

    devices = wl.devices(served.url, cpu=True)
    assert len(devices) == 3
    holders = [holder["pid"] for device in devices for holder in device["holders"]]
    assert os.getpid() not in holders
    assert served.ask("probe").status == 200
    assert "libnvidia-ml" not in maps_of(served.pid)
    for process in (served.pid, "self"):
        text = pathlib.Path("/proc/%s/maps" % process).read_text()
        assert "libcuda" not in text and "libnvidia-ml" not in text
    hosts = driver_hosts_of(served.pid)
    assert len(hosts) == 4  # the list, the CPU, two GPUs
    assert not [host for host in hosts if "libcuda" in maps_of(host)]
    assert len([host for host in hosts if "libnvidia-ml" in maps_of(host)]) == 3


def test_a_hanging_query_disturbs_nobody(daemons):
    """[A4.13] Calls go on, the numbers stay with their age, /healthz says why, and it recovers."""
    emulated = Emulated(daemons)
    served = emulated.served
    emulated.break_("stranger", FIRST, "2GiB")
    eventually(lambda: emulated.device(FIRST)["used"]["bytes"] == 2 * GIB, "it is measured")
    served.ask("probe")

    def p99_of_calls(count=200):
        times = []
        with served.client() as client:
            for _ in range(count):
                began = time.monotonic()
                client.call("probe", None)
                times.append(time.monotonic() - began)
        return sorted(times)[count * 99 // 100]

    before = p99_of_calls()
    emulated.break_("fault", FIRST, "query_hangs")
    emulated.wait_for(FIRST, "unresponsive")
    during = p99_of_calls()
    print("p99 of calls: %.2f ms, and %.2f ms while one hangs" % (before * 1e3, during * 1e3))
    assert during < max(1.2 * before, before + 0.02 * TIME_FACTOR)
    device = emulated.device(FIRST)
    assert device["used"]["bytes"] == 2 * GIB and "hangs" in device["trouble"]
    age = device["used"]["age_s"]
    eventually(lambda: emulated.device(FIRST)["used"]["age_s"] > age, "its numbers grow older")
    health = served.get("/healthz")
    assert health.status == 200 and health.json()["status"] == "degraded"
    (trouble,) = [t for t in health.json()["troubles"] if t.get("device")]
    assert trouble["reason"] == "device_unresponsive" and trouble["device"] == FIRST
    assert served.get("/readyz").status == 200
    status = run_cli(served, "status")
    assert status.returncode == 0 and "its driver hangs" in status.stdout, status
    assert emulated.device(SECOND)["state"] == "ok"
    assert 'windlass_device_answers{device="%s"} 0' % FIRST in served.get("/metrics").body.decode()
    emulated.break_("clear", FIRST)
    emulated.wait_for(FIRST, "ok")
    served.log.wait_for("device.recovered", device=FIRST)
    eventually(lambda: served.get("/healthz").json()["status"] == "ok", "all is well")


def test_a_lost_device_and_an_upgraded_driver_are_told_and_come_back(daemons):
    emulated = Emulated(daemons)
    served = emulated.served
    emulated.wait_for(SECOND, "ok")
    emulated.break_("fault", FIRST, "device_lost")
    emulated.wait_for(FIRST, "lost")
    assert served.log.wait_for("device.lost")["device"] == FIRST
    assert emulated.device(SECOND)["state"] == "ok"
    emulated.break_("clear", FIRST)
    emulated.wait_for(FIRST, "ok")
    emulated.break_("fault", FIRST, "driver_mismatch")
    emulated.wait_for(SECOND, "failing")
    assert "upgraded" in emulated.device(SECOND)["trouble"]
    served.log.wait_for("device.driver", state="broken")
    assert served.ask("probe").status == 200
    emulated.break_("clear", FIRST)
    emulated.wait_for(SECOND, "ok")
    assert len(served.log.find("device.found")) == 3


def test_a_driver_host_that_dies_is_replaced_and_reaped(daemons):
    emulated = Emulated(daemons)
    served = emulated.served
    for _ in range(3):
        are_there = lambda: len(driver_hosts_of(served.pid)) == 4  # noqa: E731
        eventually(are_there, "all hosts are there")  # one that was just started is not yet
        before = emulated.device(FIRST)["host_pid"]
        for host in driver_hosts_of(served.pid):
            os.kill(host, signal.SIGKILL)
        replaced = lambda: emulated.device(FIRST)["host_pid"] not in (None, before)  # noqa: E731
        eventually(replaced, "another driver host is there")
        emulated.wait_for(FIRST, "ok")
    eventually(lambda: len(driver_hosts_of(served.pid)) == 4, "all hosts are there")
    assert children_but_hosts(served.pid) == [served.log.wait_for("keeper.started")["pid"]]


def test_driver_hosts_die_with_a_daemon_that_is_killed(daemons):
    """Those that answer and one that hangs."""
    emulated = Emulated(daemons)
    served = emulated.served
    emulated.break_("fault", SECOND, "query_hangs")
    hosts = driver_hosts_of(served.pid)
    assert len(hosts) == 4
    served.exit_code = -signal.SIGKILL
    served.signal(signal.SIGKILL)
    eventually(lambda: not [host for host in hosts if is_alive(host)], "all driver hosts are gone")


def test_a_driver_host_that_cannot_be_killed_is_not_waited_for(daemons):
    """State D: its device gets another one, and the daemon ends in time."""
    emulated = Emulated(daemons)
    served = emulated.served
    freezer = Freezer("a driver host in state D")
    try:
        stuck = emulated.device(FIRST)["host_pid"]
        freezer.freeze(stuck)
        served.log.wait_for("device.unresponsive", device=FIRST)
        served.log.wait_for("device.recovered", device=FIRST)
        assert emulated.device(FIRST)["host_pid"] != stuck
        assert is_alive(stuck) and stuck in driver_hosts_of(served.pid)
        freezer.freeze(emulated.device(SECOND)["host_pid"])
        served.signal(signal.SIGTERM)
        assert served.wait() == 0
    finally:
        freezer.close()
    eventually(lambda: not is_alive(stuck), "it dies once it can")
    served.end()


def test_with_use_cpu_no_driver_is_looked_for(daemons):
    served = daemons.start('[devices]\nuse = "cpu"\n' + probe(devices="cpu")).wait_until_started()
    eventually(lambda: served.get("/api/devices").json()["cpu"]["used"], "the CPU was measured")
    told = served.get("/api/devices").json()
    assert told["devices"] == [] and told["drivers"] == [] and told["listed_s"] is None
    assert len(driver_hosts_of(served.pid)) == 1


def test_an_emulated_node_ends_with_its_daemon_and_reaches_workers(daemons):
    emulated = Emulated(daemons, "1x8GiB")
    served = emulated.served
    pid = served.ask("probe").json()["pid"]
    environment = environment_of(pid)
    assert environment["WINDLASS_EMULATOR"] == str(emulated.node)
    assert environment["LD_LIBRARY_PATH"].split(":")[0].endswith("/emulator")
    assert environment["CUDA_VISIBLE_DEVICES"] == ""  # it runs on the CPU
    assert emulated.node.exists()
    served.end()
    assert not emulated.node.exists()
    refused = daemons.start(probe(devices="cpu"), arguments=("--emulate", "many GPUs"))
    refused.exit_code = 2
    assert refused.wait() == 2
    assert "--emulate" in refused.log.wait_for("daemon.failed")["message"]


def test_workers_on_the_cpu_are_holders_of_the_cpu(daemons):
    """Measured when they are ready and when they are gone, however rarely otherwise."""
    seldom = '[devices]\nsample_interval = "1h"\n'
    served = daemons.start(seldom + probe(devices="cpu")).wait_until_started()
    pid = served.ask("probe").json()["pid"]
    find = lambda: [h for h in served.get("/api/devices").json()["cpu"]["holders"]]  # noqa: E731
    eventually(lambda: [h["pid"] for h in find()] == [pid], "the worker is seen")
    (holder,) = find()
    assert holder["model"] == "probe" and holder["generation"] == 1
    assert holder["used"]["source"] == "smaps_rollup" and holder["used"]["bytes"] > 1 << 20
    with served.client() as client:
        client.unload("probe")
    eventually(lambda: not find(), "it is not seen any more")
