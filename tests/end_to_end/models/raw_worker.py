"""A worker that speaks frames by itself, without the SDK, and not always as it should.

    raw_worker.py FAULT

Each run is answered with {"pid", "run"}, where run counts from 1; FAULT says what is wrong with
the first one: "twice" (a second, different answer after the next request began), "at-once" (two
answers in one write), or "none".
"""

import json
import os
import socket
import struct
import sys

HEADER = struct.Struct("<BBHIIQ")
HELLO, LOADED, STARTED, RESULT = 1, 2, 3, 4
LOAD, RUN, STOP = 65, 66, 71


def frame(kind, id_=0, meta=None, body=b""):
    text = json.dumps(meta or {}).encode()
    return HEADER.pack(kind, 1, 0, len(text), len(body), id_) + text + body


def answer(id_, value):
    return frame(RESULT, id_, {"content_type": "application/json"}, json.dumps(value).encode())


def main():
    fault = sys.argv[1]
    channel = socket.socket(fileno=int(os.environ["WINDLASS_CHANNEL"]))
    stream = channel.makefile("rb")
    hello = {"protocol": 1, "sdk": "raw/1", "pid": os.getpid(), "runtime": "raw"}
    channel.sendall(frame(HELLO, meta=hello))
    ids = []
    while True:
        head = stream.read(HEADER.size)
        if len(head) < HEADER.size:
            return
        kind, _, _, meta_size, body_size, id_ = HEADER.unpack(head)
        stream.read(meta_size + body_size)
        if kind == LOAD:
            channel.sendall(frame(LOADED))
        elif kind == STOP:
            return
        elif kind == RUN:
            ids.append(id_)
            said = frame(STARTED, id_)
            if fault == "twice" and len(ids) == 2:
                said += answer(ids[0], "a second answer to the first")
            said += answer(id_, {"pid": os.getpid(), "run": len(ids)})
            if fault == "at-once" and len(ids) == 1:
                said += answer(id_, "a second answer to the first")
            channel.sendall(said)


if __name__ == "__main__":
    main()
