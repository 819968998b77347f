"""The idle times of many models end at their moment, not at the next look."""

import threading
import time

from daemon_log import moment
from emulated import Node, ballast
from support import AT_ONCE_S

MODELS = 20
LATE_S = AT_ONCE_S / 2  # what a timer may be late; a slow machine more
OFFLOAD_AFTER_S = 0.4
UNLOAD_AFTER_S = OFFLOAD_AFTER_S + 1.2 * LATE_S  # or a late offload would not be worth it


def test_timers_fire_within_half_a_second(daemons):
    """[A0.1] [R13] offload_after and unload_after of models that all idle at about once."""
    keys = {"offload_after": "%gs" % OFFLOAD_AFTER_S, "unload_after": "%gs" % UNLOAD_AFTER_S}
    names = ["m%d" % number for number in range(MODELS)]
    models = "".join(ballast(name, "2MiB", "64MiB", **keys) for name in names)
    node = Node(daemons, "2x8GiB,context=16MiB,teardown=0s", models)
    idle_since = {}

    def call(name):
        assert node.call(name).status == 200
        idle_since[name] = time.time()  # or a moment before

    clients = [threading.Thread(target=call, args=(name,)) for name in names]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    after = {"model.offloading": OFFLOAD_AFTER_S, "model.stopping": UNLOAD_AFTER_S}
    for event, after_s in after.items():
        late_s = []
        for name in names:
            told = node.log.wait_for(event, model=name)
            late_s.append(moment(told) - idle_since[name] - after_s)
        print("%s: at most %.3f s late" % (event, max(late_s)))
        assert max(late_s) <= LATE_S
        assert min(late_s) >= -LATE_S  # the answer is on its way for a moment
