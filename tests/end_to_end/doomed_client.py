"""A client process that waits for answers until it is killed.

    python3 doomed_client.py URL KIND ORDER_JSON...

KIND is "threads" (one Client) or "tasks" (one AsyncClient). The next call is made when a line
comes in on standard input.
"""

import asyncio
import json
import sys
import threading

import windlass as wl


def with_threads(url, orders):
    client = wl.Client(url)
    for order in orders:
        sys.stdin.readline()
        threading.Thread(target=client.call, args=("probe", order)).start()


async def with_tasks(url, orders):
    client = wl.AsyncClient(url)
    tasks = []
    for order in orders:
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        tasks.append(asyncio.ensure_future(client.call("probe", order)))
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
