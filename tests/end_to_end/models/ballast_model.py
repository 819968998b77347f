"""A model that weighs what real weights weigh: random, private, touched bytes, and nothing else.

Run as a program it is a private copy: it loads, prints "ready" and ends when its input does.
"""

import mmap
import os
import sys

CHUNK = 16 << 20


class Ballast:
    def load(self, device):
        size = int(os.environ.get("BALLAST_BYTES", str(512 << 20)))
        # Private and anonymous, so that no page can be shared; random, so that none can be merged
        # or compressed away; written, so that all are resident.
        self.weights = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        for offset in range(0, size, CHUNK):
            self.weights[offset : offset + CHUNK] = os.urandom(min(CHUNK, size - offset))

    def run(self, request):
        """One byte of the weights, so that an answer proves that they are used."""
        index = request.json()["index"] % len(self.weights)
        return {"byte": self.weights[index], "pid": os.getpid()}


if __name__ == "__main__":
    ballast = Ballast()
    ballast.load("cpu")
    print("ready", flush=True)
    sys.stdin.read()
