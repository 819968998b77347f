#!/usr/bin/env python3
"""Stands in for `windlass tag-search ...` and hangs: see the modes below. The mode is in the name
under which it is run: one file of a test's folder for each.
"""

import os
import signal
import struct
import sys

mode = os.path.basename(sys.argv[0])
skipped = [int(pid) for pid in sys.argv[4:]]


def look_at(pid):
    """Says so where the real one does, and hangs in it unless that process is to be skipped."""
    os.pwrite(4, struct.pack("=Ii", 1, pid), 0)
    if pid not in skipped:
        signal.pause()


if mode == "silent":  # says nothing, ends never
    signal.pause()
if mode == "stuck":  # two processes cannot be looked at
    os.write(3, b"71\n")
    look_at(81)
    look_at(82)
    os.write(3, b"72\n")
if mode == "crashing":
    os.kill(os.getpid(), signal.SIGABRT)
