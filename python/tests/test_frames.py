"""Golden bytes: the protocol as it stands on the wire, written out by hand."""

from __future__ import annotations

import json
import struct

import pytest

from windlass.frames import META_MAX, Decoder, Frame, ProtocolError, Type, encode

GOLDEN = [
    (
        Frame(Type.HEARTBEAT),
        b"\x07\x01\x00\x00" b"\x00\x00\x00\x00" b"\x00\x00\x00\x00"
        b"\x00\x00\x00\x00\x00\x00\x00\x00",
    ),
    (
        Frame(Type.STARTED, 17),
        b"\x03\x01\x00\x00" b"\x00\x00\x00\x00" b"\x00\x00\x00\x00"
        b"\x11\x00\x00\x00\x00\x00\x00\x00",
    ),
    (
        Frame(Type.RESULT, 0x0102030405060708, {"content_type": "application/json"}, b"[1]"),
        b"\x04\x01\x00\x00" b"\x23\x00\x00\x00" b"\x03\x00\x00\x00"
        b"\x08\x07\x06\x05\x04\x03\x02\x01"
        b'{"content_type":"application/json"}[1]',
    ),
    (
        Frame(Type.RECALLED, 5, {"recalled": True}),
        b"\x09\x01\x00\x00" b"\x11\x00\x00\x00" b"\x00\x00\x00\x00"
        b"\x05\x00\x00\x00\x00\x00\x00\x00"
        b'{"recalled":true}',
    ),
    (
        Frame(Type.ERROR, 0, {"message": "für"}),
        b"\x08\x01\x00\x00" b"\x12\x00\x00\x00" b"\x00\x00\x00\x00"
        b"\x00\x00\x00\x00\x00\x00\x00\x00"
        b'{"message":"f\xc3\xbcr"}',
    ),
    (
        Frame(Type.RUN, 1, {"timeout_ms": 29500}, b"\x00\xff"),
        b"\x42\x01\x00\x00" b"\x14\x00\x00\x00" b"\x02\x00\x00\x00"
        b"\x01\x00\x00\x00\x00\x00\x00\x00"
        b'{"timeout_ms":29500}\x00\xff',
    ),
    (
        Frame(Type.OFFLOAD),
        b"\x45\x01\x00\x00" b"\x00\x00\x00\x00" b"\x00\x00\x00\x00"
        b"\x00\x00\x00\x00\x00\x00\x00\x00",
    ),
    (
        Frame(Type.RESTORED, 0, {"duration_us": 1500, "before_bytes": 0}),
        b"\x0b\x01\x00\x00" b"\x25\x00\x00\x00" b"\x00\x00\x00\x00"
        b"\x00\x00\x00\x00\x00\x00\x00\x00"
        b'{"duration_us":1500,"before_bytes":0}',
    ),
    (
        Frame(Type.STOP),
        b"\x47\x01\x00\x00" b"\x00\x00\x00\x00" b"\x00\x00\x00\x00"
        b"\x00\x00\x00\x00\x00\x00\x00\x00",
    ),
]  # fmt: skip
NAMES = [frame.type.name for frame, _ in GOLDEN]


def decoder(body_max: int = 1000) -> Decoder:
    result = Decoder()
    result.body_max = body_max
    return result


@pytest.mark.parametrize(("frame", "wire"), GOLDEN, ids=NAMES)
def test_a_frame_is_encoded_to_its_golden_bytes(frame, wire):
    assert b"".join(encode(frame)) == wire


@pytest.mark.parametrize(("frame", "wire"), GOLDEN, ids=NAMES)
def test_golden_bytes_decode_to_their_frame(frame, wire):
    codec = decoder()
    codec.feed(wire)
    assert codec.next_frame() == frame
    assert codec.next_frame() is None


def test_the_types_have_the_numbers_of_the_protocol():
    worker = "HELLO LOADED STARTED RESULT CHUNK PROGRESS HEARTBEAT ERROR RECALLED".split()
    worker += "OFFLOADED RESTORED MEMORY LOG SETTINGS".split()
    daemon = "LOAD RUN RECALL CANCEL OFFLOAD RESTORE STOP".split()
    assert [Type[name] for name in worker] == list(range(1, 15))
    assert [Type[name] for name in daemon] == list(range(65, 72))
    assert len(Type) == len(worker) + len(daemon)


def test_frames_come_out_whole_however_the_stream_is_cut():
    codec = decoder()
    frames = []
    for byte in b"".join(wire for _, wire in GOLDEN):
        codec.feed(bytes([byte]))
        while (frame := codec.next_frame()) is not None:
            frames.append(frame)
    assert frames == [frame for frame, _ in GOLDEN]


def test_body_max_may_change_between_two_frames_of_one_read():
    codec = Decoder()
    run = Frame(Type.RUN, 1, {}, b"x")
    codec.feed(b"".join(encode(Frame(Type.LOAD)) + encode(run)))
    assert codec.next_frame() == Frame(Type.LOAD)
    codec.body_max = 1
    assert codec.next_frame() == run


def header(type=7, version=1, reserved=0, meta_size=0, body_size=0, id=0) -> bytes:
    return struct.pack("<BBHIIQ", type, version, reserved, meta_size, body_size, id)


@pytest.mark.parametrize(
    ("wire", "words"),
    [
        (header(type=0), "unknown frame type 0"),
        (header(type=64), "unknown frame type 64"),
        (header(version=2), "version 2"),
        (header(reserved=1), "reserved field is 1"),
        (header(meta_size=META_MAX + 1), "65537 bytes of metadata"),
        (header(body_size=1001), "1001 bytes of body"),
        (header(meta_size=2) + b"[]", "a JSON list"),
        (header(meta_size=1) + b"{", "no JSON"),
        (header(meta_size=3) + b'"\xff"', "no JSON"),
        (header(meta_size=META_MAX) + b"[" * META_MAX, "no JSON"),
    ],
)
def test_a_frame_that_breaks_a_limit_is_refused(wire, words):
    codec = decoder()
    codec.feed(wire)
    with pytest.raises(ProtocolError, match=words):
        codec.next_frame()


def test_a_body_over_the_limit_is_refused_before_it_arrives():
    codec = Decoder()
    codec.feed(header(type=66, body_size=1))
    with pytest.raises(ProtocolError):
        codec.next_frame()


def test_metadata_at_the_limit_passes():
    meta = {"message": "x" * (META_MAX - len('{"message":""}'))}
    codec = decoder()
    codec.feed(b"".join(encode(Frame(Type.LOG, 0, meta))))
    assert codec.next_frame().meta == meta
    meta["message"] += "x"
    with pytest.raises(ProtocolError, match="65537"):
        encode(Frame(Type.LOG, 0, meta))


def test_metadata_is_always_json_that_a_strict_reader_takes():
    (head,) = encode(Frame(Type.ERROR, 0, {"message": "\udc80 and \ud83d"}))
    assert json.loads(head[20:].decode("utf-8")) == {"message": "? and ?"}
    with pytest.raises(ProtocolError):
        encode(Frame(Type.PROGRESS, 0, {"step": float("nan")}))
