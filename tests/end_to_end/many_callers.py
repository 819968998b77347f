"""Client processes that share one client made before they were forked, as those of a web server do.

    python3 many_callers.py URL KIND PROCESSES CALLERS CALLS

KIND is "threads" (a Client for the threads of a process) or "tasks" (an AsyncClient for its tasks).
Each caller asks the model "probe" for CALLS answers. Prints one line of JSON for each process: its
answers beside what it asked for, its pid, and what of a GPU it has in its memory.
"""

import asyncio
import json
import os
import sys
import threading

import windlass as wl

GPU_LIBRARIES = ("libcuda", "libcudart", "libnvidia", "libamdhip", "libhip", "libhsa")


def values(caller, count):
    return ["%d/%s/%d" % (os.getpid(), caller, number) for number in range(count)]


def order(value):
    return {"do": "count", "value": value}


def ask_in_threads(client, callers, calls):
    asked = []

    def ask(caller):
        for value in values(caller, calls):
            answer = client.request("probe", order(value))
            asked.append((value, answer.value, answer.worker_pid))  # append() is atomic

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return asked


def ask_in_tasks(client, callers, calls):
    asked = []

    async def ask(caller):
        for value in values(caller, calls):
            answer = await client.request("probe", order(value))
            asked.append((value, answer.value, answer.worker_pid))

    async def ask_all():
        async with client:
            await asyncio.gather(*[ask(number) for number in range(callers)])

    asyncio.run(ask_all())
    return asked


def report(asked):
    with open("/proc/self/maps", encoding="utf-8") as file:
        maps = file.read()
    return {
        "pid": os.getpid(),
        "asked": asked,
        "gpu": [name for name in GPU_LIBRARIES if name in maps],
        "imported": [name for name in ("numpy", "torch") if name in sys.modules],
    }


def main():
    url, kind = sys.argv[1:3]
    processes, callers, calls = map(int, sys.argv[3:])
    ask = {"threads": ask_in_threads, "tasks": ask_in_tasks}[kind]
    client = {"threads": wl.Client, "tasks": wl.AsyncClient}[kind](url)
    told = [json.dumps(report(ask(client, 1, 1)))]  # used before the fork
    pipes = []
    for _ in range(processes):
        reading, writing = os.pipe()
        if os.fork() == 0:
            status = 1
            try:
                with open(writing, "w", encoding="utf-8") as file:
                    json.dump(report(ask(client, callers, calls)), file)
                status = 0
            finally:
                os._exit(status)
        os.close(writing)
        pipes.append(reading)
    for reading in pipes:
        with open(reading, encoding="utf-8") as file:
            told.append(file.read())
    told.append(json.dumps(report(ask(client, 1, 1))))  # and after it
    print("\n".join(told))


if __name__ == "__main__":
    main()
