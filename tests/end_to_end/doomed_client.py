"""A client process that waits for answers until it is killed.

    python3 doomed_client.py URL KIND ORDER_JSON...

KIND is "threads" (one Client) or "tasks" (one AsyncClient). The next call is made when a line
comes in on standard input. After the last one another line makes it fork: the child prints its pid
and lives until the end of standard input.
"""

import asyncio
import json
import os
import sys
import threading

import windlass as wl


def have_child():
    if os.fork() == 0:
        os.write(1, b"%d\n" % os.getpid())
        os.read(0, 1)
        os._exit(0)


def with_threads(url, orders):
    client = wl.Client(url)
    for order in orders:
        sys.stdin.readline()
        threading.Thread(target=client.call, args=("probe", order)).start()
    sys.stdin.readline()
    have_child()


async def with_tasks(url, orders):
    client = wl.AsyncClient(url)
    tasks = []
    for order in orders:
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        tasks.append(asyncio.ensure_future(client.call("probe", order)))
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    have_child()
    await asyncio.gather(*tasks)


def main():
    url, kind, *orders = sys.argv[1:]
    orders = [json.loads(order) for order in orders]
    if kind == "tasks":
        asyncio.run(with_tasks(url, orders))
    else:
        with_threads(url, orders)


if __name__ == "__main__":
    main()
