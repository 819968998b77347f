"""Client processes forked from one that had used its client before, all alive at the same time.

    python3 forked_clients.py URL MODEL INPUT_JSON COUNT

Each, the parent too, says a line of JSON: its pid, its answer, and which of its mapped files and
modules belong to a GPU. They stay until their standard input ends.
"""

import json
import os
import sys

import windlass as wl

GPU_LIBRARIES = ("libcuda", "libcudart", "libnvidia", "libamdhip", "libhip", "libhsa", "emulator")


def say(client, model, value):
    answer = client.call(model, value)
    with open("/proc/self/maps", encoding="utf-8") as file:
        mapped = {line.split()[-1] for line in file if "/" in line}
    found = [path for path in mapped if any(name in path for name in GPU_LIBRARIES)]
    found += [name for name in ("torch", "windlass.ballast") if name in sys.modules]
    line = json.dumps({"pid": os.getpid(), "answer": answer, "gpu": found})
    os.write(1, line.encode() + b"\n")  # whole: shorter than PIPE_BUF
    sys.stdin.read()


def main():
    url, model, value, count = sys.argv[1:]
    client = wl.Client(url)
    client.call(model, json.loads(value))
    children = []
    for _ in range(int(count)):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                say(client, model, json.loads(value))
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    say(client, model, json.loads(value))
    sys.exit(max(os.waitpid(child, 0)[1] for child in children) != 0)


if __name__ == "__main__":
    main()
