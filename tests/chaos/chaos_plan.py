"""What goes wrong in a run of chaos, and when: drawn from a seed, the same for the same seed.

An act is a moment, a verb and its words. There are two lanes of an administrator, whose acts take
their time, and one of fate, whose acts are done at once.

An odd seed plays everything. An even one leaves some of it out: what nobody caused must not occur,
and some faults hide others.
"""

import dataclasses
import os
import random

GIB = 1 << 30
LANES = ("first administrator", "second administrator", "fate")


@dataclasses.dataclass(frozen=True, order=True)
class Act:
    at: float  # seconds since the begin
    verb: str
    words: tuple


@dataclasses.dataclass(frozen=True)
class Fault:
    """A fault of the emulator (docs/emulator.md) and how long it lasts, in seconds."""

    name: str
    values: tuple = (1,)
    lasts: tuple = (0.2, 2.5)


FAULTS = (
    Fault("out_of_memory", ("1GiB", "4GiB")),
    Fault("slow_copy", (20, 300)),
    Fault("hang_copy"),
    Fault("hang_synchronize"),
    Fault("hang_free"),
    Fault("sticky_error", (719, 700, 214)),  # launch failed, illegal address, uncorrectable ECC
    Fault("device_lost"),
    Fault("query_hangs", lasts=(0.2, 4.0)),
    Fault("query_fails", (999,)),
    Fault("driver_mismatch", lasts=(0.2, 1.5)),
    Fault("release_late", (400, 1500), lasts=(1.0, 5.0)),
    Fault("release_never", lasts=(1.0, 6.0)),
    Fault("pids_hidden", lasts=(0.5, 5.0)),
    Fault("pids_foreign", (1 << 20,), lasts=(0.5, 5.0)),
    Fault("process_memory_hidden", lasts=(0.5, 5.0)),
    Fault("init_delay", (300,)),
)
# 0: in no list. The others are alive: a driver that names pids nobody can see is not believed.
STRANGER_PIDS = (0, 1, os.getpid())

SHARE_OF_EVEN_SEEDS = 0.5
FAULT_EVERY_S = 1.0  # in the mean, over all devices
STRANGER_EVERY_S = 3.0
BLOW_EVERY_S = 1.2  # processes killed and frozen, reloads
ORDER_EVERY_S = 0.8  # of each administrator


def kinds_of(seed):
    """Names of the faults that this seed plays; "strangers" is one."""
    names = [fault.name for fault in FAULTS] + ["strangers"]
    draw = random.Random("%s/kinds" % seed)
    return [name for name in names if seed % 2 or draw.random() < SHARE_OF_EVEN_SEEDS]


def has_residents(seed):
    """Strangers that are there all the time take nothing away from anybody, but must be seen."""
    return "strangers" not in kinds_of(seed)


def plausible_errors(seed):
    """Types that a call of a model on a GPU may be answered with because of this plan."""
    kinds = set(kinds_of(seed))
    types = {"timeout", "unavailable", "worker_lost"}
    if kinds & {"out_of_memory", "strangers"}:
        types.add("out_of_memory")
    if "sticky_error" in kinds:
        types |= {"context_lost", "device_lost"}
    if "device_lost" in kinds:
        types.add("device_lost")
    return types


def lane_plan(lane, seed, seconds, models, device_count):
    """The acts of a lane, in their order."""
    draw = random.Random("%s/%s" % (seed, lane))
    if lane != "fate":
        return sorted(_orders(draw, seconds, models))
    kinds = kinds_of(seed)
    faults = [fault for fault in FAULTS if fault.name in kinds]
    acts = list(_faults(draw, seconds, device_count, faults))
    if "strangers" in kinds:
        acts += _strangers(draw, seconds, device_count)
    return sorted(acts + list(_blows(draw, seconds)))


def _moments(draw, seconds, every):
    at = draw.expovariate(1 / every)
    while at < seconds:
        yield round(at, 3)
        at += draw.expovariate(1 / every)


def _faults(draw, seconds, device_count, faults):
    for at in _moments(draw, seconds, FAULT_EVERY_S):
        fault = draw.choice(faults)
        device = draw.randrange(device_count)
        end = min(seconds, round(at + draw.uniform(*fault.lasts), 3))
        yield Act(at, "fault", (device, fault.name, draw.choice(fault.values)))
        yield Act(end, "fault", (device, fault.name, 0))


def _strangers(draw, seconds, device_count):
    for at in _moments(draw, seconds, STRANGER_EVERY_S):
        device, pid = draw.randrange(device_count), draw.choice(STRANGER_PIDS)
        size = draw.randrange(1, 24) * GIB // 2
        yield Act(at, "stranger", (device, size, pid))
        yield Act(min(seconds, round(at + draw.uniform(0.5, 5.0), 3)), "stranger", (device, 0, pid))


def _blows(draw, seconds):
    """The last word says which of those that are there: a share of their number."""
    verbs = 6 * ["kill worker"] + 2 * ["freeze worker"] + 3 * ["kill host"] + ["freeze host"]
    verbs += ["kill keeper"] + 3 * ["reload"]
    for at in _moments(draw, seconds, BLOW_EVERY_S):
        yield Act(at, draw.choice(verbs), (draw.random(),))


def _orders(draw, seconds, models):
    verbs = 3 * ["load", "offload"] + 2 * ["unload"] + 2 * ["restart", "pause", "kill"]
    for at in _moments(draw, seconds, ORDER_EVERY_S):
        verb = draw.choice(verbs)
        word = draw.random() if verb == "kill" else draw.choice(models)
        yield Act(at, verb, (word, round(draw.uniform(0.1, 0.8), 3)))
