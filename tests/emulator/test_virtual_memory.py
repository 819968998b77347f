"""Addresses, physical memory and access apart; and memory that processes share."""

import pytest

MIB = 1 << 20
GIB = 1 << 30


@pytest.fixture
def emulated(node):
    return node("1x24GiB,context=0B,teardown=0s,link=100GB")


@pytest.fixture
def puppet(emulated):
    made = emulated.puppet()
    assert made.do("cuda.enter()") == 0
    return made


def mapped(puppet, size=4 * MIB, access=3):
    """An address with memory behind it, and its handle."""
    result, address = puppet.do(f"cuda.reserve({size})")
    assert result == 0 and address % (2 * MIB) == 0
    result, handle = puppet.do(f"cuda.create({size})")
    assert result == 0
    assert puppet.do(f"cuda.map({address}, {size}, {handle})") == 0
    assert puppet.do(f"cuda.allow({address}, {size}, {access})") == 0
    return address, handle


def test_an_address_is_kept_while_its_memory_goes_and_comes_back(emulated, puppet):
    address, handle = mapped(puppet)
    assert puppet.do(f"cuda.write({address}, b'kept?')") == 0
    assert puppet.do(f"cuda.unmap({address}, {4 * MIB})") == 0
    assert emulated.truth()["used"] == 4 * MIB  # the handle still holds it
    assert puppet.do(f"cuda.map({address}, {4 * MIB}, {handle})") == 0
    assert puppet.do(f"cuda.allow({address}, {4 * MIB}, 3)") == 0
    assert puppet.do(f"cuda.read({address}, 5)") == (0, b"kept?")
    assert puppet.do(f"cuda.release({handle})") == 0
    assert emulated.truth()["used"] == 4 * MIB  # the mapping still holds it
    assert puppet.do(f"cuda.unmap({address}, {4 * MIB})") == 0
    assert emulated.truth()["used"] == 0


def test_a_fresh_mapping_may_not_be_used(puppet):
    address, _ = mapped(puppet, access=0)
    assert puppet.do(f"cuda.write({address}, b'x')") == 700


def test_a_write_through_a_read_only_mapping_breaks_the_process(puppet):
    address, _ = mapped(puppet, access=1)
    assert puppet.do(f"cuda.read({address}, 1)") == (0, b"\0")
    assert puppet.do(f"cuda.write({address}, b'x')") == 700
    assert puppet.do("cuda.sync()") == 700


def test_a_copy_after_the_unmapping_breaks_the_process(puppet):
    address, _ = mapped(puppet)
    assert puppet.do(f"cuda.unmap({address}, {4 * MIB})") == 0
    assert puppet.do(f"cuda.set({address}, 1, 16)") == 0  # queued: nothing is known yet
    assert puppet.do("cuda.sync()") == 700


def test_what_is_not_whole_is_refused(puppet):
    address, handle = mapped(puppet)
    assert puppet.do("cuda.create(4096)")[0] == 1
    assert puppet.do("cuda.reserve(4096)")[0] == 1
    assert puppet.do(f"cuda.map({address}, {2 * MIB}, {handle})") == 1
    assert puppet.do(f"cuda.unmap({address}, {2 * MIB})") == 1
    assert puppet.do(f"cuda.call('MemAddressFree', c_uint64({address}), c_size_t({4 * MIB}))") == 1
    assert puppet.do(f"cuda.free({address})") == 1


def test_who_only_creates_is_in_no_list(emulated):
    owner = emulated.puppet()
    assert owner.do("cuda.call('Init', 0)") == 0
    assert owner.do("cuda.create(1 << 30)")[0] == 0
    assert emulated.truth()["used"] == GIB
    assert emulated.truth()["processes"] == []


def share(sender, receiver, tmp_path):
    """Memory of the sender, exported and in the receiver's queue; its handle there."""
    address, handle = mapped(sender)
    assert sender.do(f"cuda.write({address}, b'shared')") == 0
    result, descriptor = sender.do(f"cuda.export({handle})")
    assert result == 0
    receiver.do(f"listen({str(tmp_path / 'mail')!r})")
    sender.do(f"send({str(tmp_path / 'mail')!r}, {descriptor})")
    return handle


def test_shared_memory_outlives_its_maker(emulated, puppet, tmp_path):
    other = emulated.puppet()
    assert other.do("cuda.enter()") == 0
    share(puppet, other, tmp_path)
    puppet.kill()
    # Nobody has even read the message: it holds the memory.
    assert emulated.truth()["used"] == 4 * MIB
    result, handle = other.do("cuda.take_in(receive())")
    assert result == 0
    _, address = other.do(f"cuda.reserve({4 * MIB})")
    assert other.do(f"cuda.map({address}, {4 * MIB}, {handle})") == 0
    assert other.do(f"cuda.allow({address}, {4 * MIB}, 1)") == 0
    assert other.do(f"cuda.read({address}, 6)") == (0, b"shared")
    other.kill()
    assert emulated.truth()["used"] == 0


def test_a_message_that_is_never_read_holds_memory_until_its_queue_goes(
    emulated, puppet, tmp_path
):
    other = emulated.puppet()
    handle = share(puppet, other, tmp_path)
    assert puppet.do(f"cuda.release({handle})") == 0
    puppet.kill()
    assert emulated.truth()["used"] == 4 * MIB
    other.kill()
    assert emulated.truth()["used"] == 0


def test_what_is_no_shared_memory_is_refused(puppet, tmp_path):
    (tmp_path / "1").write_bytes(b"")
    assert puppet.do(f"cuda.take_in(os.open({str(tmp_path / '1')!r}, os.O_RDWR))")[0] == 1
    assert puppet.do("cuda.take_in(999)")[0] == 1
