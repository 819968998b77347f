"""Opens COUNT connections to PORT from SOURCE, says so, and keeps them until its input ends."""

import resource
import socket
import sys

port, count, source = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
kept = [
    socket.create_connection(("127.0.0.1", port), 60, source_address=(source, 0))
    for _ in range(count)
]
print("ready", flush=True)
sys.stdin.read()
