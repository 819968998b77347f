"""Each fault, as a process meets it, and its end."""

import pytest

MIB = 1 << 20


@pytest.fixture
def broken(node):
    """A node with a puppet in a context, and NVML."""
    emulated = node()
    puppet = emulated.puppet()
    assert puppet.do("cuda.enter()") == 0
    assert puppet.do("nvml.call('Init_v2')") == 0
    return emulated, puppet


def test_out_of_memory_from_a_size_on(broken):
    emulated, puppet = broken
    emulated.fault("out_of_memory", "1GiB")
    assert puppet.do("cuda.alloc(1 << 30)") == (2, 0)
    assert puppet.do("cuda.alloc(1 << 29)")[0] == 0
    emulated.fault("out_of_memory", 0)
    assert puppet.do("cuda.alloc(1 << 30)")[0] == 0


def test_slow_copy(broken):
    emulated, puppet = broken
    _, address = puppet.do("cuda.alloc(64 << 20)")
    emulated.fault("slow_copy", 50)
    begun = puppet.do("time.monotonic()")
    assert puppet.do(f"cuda.write({address}, bytes(10 << 20))") == 0
    assert puppet.do("time.monotonic()") - begun >= 0.1


@pytest.mark.parametrize(
    "fault, line",
    [
        ("hang_synchronize", "cuda.sync()"),
        ("hang_copy", "cuda.set({address}, 1, 1)  or cuda.sync()"),
        ("hang_free", "cuda.free({address})"),
        ("query_hangs", "nvml.memory()[0]"),
    ],
)
def test_what_hangs_hangs_until_the_fault_is_over(broken, fault, line):
    emulated, puppet = broken
    _, address = puppet.do("cuda.alloc(4096)")
    emulated.fault(fault)
    puppet.begin(line.format(address=address))
    assert not puppet.has_answered(0.2)
    emulated.fault(fault, 0)
    assert puppet.finish() == 0


def test_a_hanging_query_leaves_other_devices_alone(node):
    emulated = node("2x1GiB")
    emulated.fault("query_hangs")
    puppet = emulated.puppet()
    assert puppet.do("nvml.call('Init_v2')") == 0
    assert puppet.do("nvml.uuid(0)[0]") == 0
    assert puppet.do("nvml.memory(1)") == (0, 0)


def test_a_sticky_error_stays(broken):
    emulated, puppet = broken
    emulated.fault("sticky_error", 719)
    assert puppet.do("cuda.sync()") == 719
    assert puppet.do("cuda.sync()") == 719
    assert puppet.do("cuda.alloc(1)") == (719, 0)


def test_a_lost_device(broken):
    emulated, puppet = broken
    emulated.fault("device_lost")
    assert puppet.do("nvml.memory()")[0] != 0
    assert puppet.do("nvml.handle()") == 15
    assert puppet.do("cuda.sync()") == 999
    emulated.fault("device_lost", 0)
    assert puppet.do("cuda.sync()") == 999  # the process has lost it for good
    assert emulated.puppet().do("cuda.enter()") == 0


def test_a_query_that_fails(broken):
    emulated, puppet = broken
    emulated.fault("query_fails", 999)
    assert puppet.do("nvml.memory()[0]") == 999


def test_a_driver_upgraded_underneath(broken):
    emulated, puppet = broken
    emulated.fault("driver_mismatch")
    assert puppet.do("nvml.memory()[0]") == 18
    assert emulated.puppet().do("nvml.call('Init_v2')") == 18
    assert puppet.do("cuda.sync()") == 0  # what runs, runs on


def test_memory_that_does_not_come_back(broken):
    emulated, puppet = broken
    assert puppet.do("cuda.alloc(64 << 20)")[0] == 0
    emulated.fault("release_never")
    puppet.kill()
    assert emulated.truth()["used"] == 514 * MIB
    assert emulated.truth()["processes"] == []
    emulated.tool("reset", emulated.folder, 0)
    assert emulated.truth()["used"] == 0


def test_strangers(broken):
    emulated, puppet = broken
    emulated.tool("stranger", emulated.folder, 0, "10GiB")
    assert puppet.do("nvml.memory()") == (0, 10 * 1024 * MIB + 450 * MIB)
    assert puppet.do("nvml.processes()") == (0, [(puppet.pid, 450 * MIB)])
    emulated.tool("stranger", emulated.folder, 0, "1GiB", 4242)
    assert (4242, 1024 * MIB) in puppet.do("nvml.processes()")[1]
    assert puppet.do("cuda.alloc(13 << 30)") == (2, 0)
    emulated.tool("clear", emulated.folder, 0)
    assert puppet.do("nvml.memory()") == (0, 450 * MIB)


def test_processes_hidden_or_of_another_namespace(broken):
    emulated, puppet = broken
    emulated.fault("pids_hidden")
    assert puppet.do("nvml.processes()") == (0, [])
    emulated.fault("pids_hidden", 0)
    emulated.fault("pids_foreign", 1000000)
    assert puppet.do("nvml.processes()")[1][0][0] == puppet.pid + 1000000


def test_memory_of_processes_unknown(broken):
    emulated, puppet = broken
    emulated.fault("process_memory_hidden")
    for version in ("_v2", "_v3"):
        assert puppet.do(f"nvml.processes(version='{version}')")[1] == [(puppet.pid, 2**64 - 1)]


def test_elements_of_32_bytes(broken):
    emulated, puppet = broken
    assert puppet.do("nvml.stride()") == 24
    emulated.fault("wide_processes")
    assert puppet.do("nvml.stride()") == 32


def test_a_list_that_is_too_short_says_how_long_it_must_be(broken):
    _, puppet = broken
    assert puppet.do("nvml.processes(room=0)") == (7, 1)


def test_an_xid(broken):
    emulated, puppet = broken
    assert puppet.do("nvml.event(10)")[0] == 10
    puppet.begin("nvml.event(30000)")
    emulated.fault("xid", 79)
    assert puppet.finish() == (0, 79)


def test_a_slow_start(node):
    emulated = node()
    emulated.fault("init_delay", 200)
    puppet = emulated.puppet()
    begun = puppet.do("time.monotonic()")
    assert puppet.do("cuda.enter()") == 0
    assert puppet.do("time.monotonic()") - begun >= 0.2
