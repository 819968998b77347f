"""What a process sees of the devices of a node."""

GIB = 1 << 30
MIB = 1 << 20


def test_a_context_and_memory_are_charged_and_shown(node):
    emulated = node()
    puppet = emulated.puppet()
    assert puppet.do("nvml.call('Init_v2')") == 0
    assert puppet.do("cuda.enter()") == 0
    assert puppet.do("nvml.memory()") == (0, 450 * MIB)
    result, address = puppet.do("cuda.alloc(3 << 30)")
    assert result == 0
    assert puppet.do("nvml.processes()") == (0, [(puppet.pid, 3 * GIB + 450 * MIB)])
    assert puppet.do("cuda.info()") == (0, 21 * GIB - 450 * MIB, 24 * GIB)
    assert puppet.do(f"cuda.free({address})") == 0
    assert puppet.do("cuda.call('DevicePrimaryCtxRelease_v2', 0)") == 0
    assert puppet.do("nvml.memory()") == (0, 0)
    assert puppet.do("nvml.processes()") == (0, [])


def test_two_processes_share_one_device(node):
    emulated = node()
    first, second = emulated.puppet(), emulated.puppet()
    for puppet in (first, second):
        assert puppet.do("cuda.enter()") == 0
    assert first.do("cuda.alloc(20 << 30)")[0] == 0
    assert second.do("cuda.alloc(4 << 30)") == (2, 0)
    first.kill()
    assert second.do("cuda.alloc(4 << 30)")[0] == 0
    assert emulated.truth()["processes"] == [{"pid": second.pid, "bytes": 4 * GIB + 450 * MIB}]


def test_visible_devices(node):
    emulated = node("3x1GiB")
    last = "GPU-e0000000-0000-0000-0000-000000000002"
    for variable, count in [("", 0), ("-1", 0), (last, 1), ("1,0", 2), ("2,7,0", 1), ("0,0", 0)]:
        puppet = emulated.puppet(CUDA_VISIBLE_DEVICES=variable)
        assert puppet.do("cuda.call('Init', 0)") == (0 if count else 100)
        if count:
            assert puppet.do("cuda.count()") == (0, count)
    chosen = emulated.puppet(CUDA_VISIBLE_DEVICES=last)
    assert chosen.do("cuda.enter()") == 0
    assert emulated.truth(2)["processes"][0]["pid"] == chosen.pid
    assert emulated.truth(0)["processes"] == []


def test_without_a_node_there_is_no_device(node):
    puppet = node().puppet(WINDLASS_EMULATOR="")
    assert puppet.do("cuda.call('Init', 0)") == 100
    assert puppet.do("nvml.call('Init_v2')") == 9


def test_a_forked_child_is_refused(node):
    puppet = node().puppet()
    assert puppet.do("cuda.enter()") == 0
    assert puppet.do("in_child(lambda: cuda.sync())") == 3
    assert puppet.do("in_child(lambda: cuda.call('Init', 0))") == 3
    assert puppet.do("cuda.sync()") == 0


def test_a_device_larger_than_the_host_holds_what_was_written(node):
    emulated = node("1x80GiB,context=0B,link=1000GB")
    puppet = emulated.puppet()
    assert puppet.do("cuda.enter()") == 0
    result, address = puppet.do("cuda.alloc(79 << 30)")
    assert result == 0
    end = address + 79 * GIB - 6
    assert puppet.do(f"cuda.write({end}, b'anchor')") == 0
    assert puppet.do(f"cuda.read({end}, 6)") == (0, b"anchor")
    assert puppet.do(f"cuda.read({address + 40 * GIB}, 3)") == (0, b"\0\0\0")
    real = sum(file.stat().st_blocks * 512 for file in emulated.folder.glob("memory/*"))
    assert real < MIB
    # Zeros cost nothing either: of this gibibyte, one page is real.
    line = f"cuda.write({address}, bytes(200 << 20) + b'x' + bytes(55 << 20))"
    assert puppet.do(line) == 0
    assert puppet.do(f"cuda.read({address + 200 * MIB}, 2)") == (0, b"x\0")
    real = sum(file.stat().st_blocks * 512 for file in emulated.folder.glob("memory/*"))
    assert real < MIB


def test_a_copy_takes_the_time_of_its_full_size(node):
    puppet = node("1x24GiB,link=1GB").puppet()
    assert puppet.do("cuda.enter()") == 0
    _, address = puppet.do("cuda.alloc(1 << 30)")
    begun = puppet.do("time.monotonic()")
    assert puppet.do(f"cuda.write({address}, bytes(100 << 20))") == 0
    # 100 MiB at 1 GB/s, and half as fast because it is not pinned.
    assert puppet.do("time.monotonic()") - begun >= 0.2


def test_the_host_cannot_follow_a_device_pointer(node):
    puppet = node().puppet()
    assert puppet.do("cuda.enter()") == 0
    _, address = puppet.do("cuda.alloc(4096)")
    # SIGSEGV, in a child so that the puppet lives on.
    assert puppet.do(f"in_child(lambda: ctypes.string_at({address}, 1)[0])") == -11


def test_a_write_past_the_end_breaks_the_process_for_good(node):
    emulated = node()
    puppet = emulated.puppet()
    assert puppet.do("cuda.enter()") == 0
    _, address = puppet.do("cuda.alloc(4096)")
    assert puppet.do(f"cuda.write({address}, bytes(8192))") == 700
    assert puppet.do("cuda.sync()") == 700
    assert puppet.do("cuda.alloc(1)") == (700, 0)
    other = emulated.puppet()
    assert other.do("cuda.enter()") == 0
