"""The outside judge of "one copy": who holds how much memory, read from /proc, asking nobody.

    python3 shared_copy.py --tree DAEMON_PID --size-mib 512 CLIENT_PID...

PSS counts a page that n processes share as 1/n in each, so that a sum of PSS counts no page twice.
"""

import argparse
import json
import os
import sys
from typing import Iterable, List, NamedTuple, Optional


class Reading(NamedTuple):
    """One process's memory in bytes: resident, its share of it, and what only it holds."""

    pid: int
    name: str
    rss: int
    pss: int
    private: int


class Verdict(NamedTuple):
    """All processes of one look, without those that had ended."""

    readings: List[Reading]

    @property
    def pss(self):
        return sum(reading.pss for reading in self.readings)

    def holders(self, size):
        """The processes with `size` bytes or more resident: an upper bound for copies of it."""
        return [reading for reading in self.readings if reading.rss >= size]

    def private_holders(self, size):
        """The processes with `size` bytes or more that nobody else maps."""
        return [reading for reading in self.readings if reading.private >= size]

    def __str__(self):
        lines = ["%9s %-16s %9s %9s %9s" % ("pid", "name", "rss", "pss", "private")]
        for reading in self.readings:
            sizes = (reading.rss, reading.pss, reading.private)
            mebibytes = tuple(round(size / 2**20, 1) for size in sizes)
            lines.append("%9d %-16s %9s %9s %9s" % ((reading.pid, reading.name) + mebibytes))
        lines.append("%9s %-16s %9s %9.1f MiB" % ("", "sum", "", self.pss / 2**20))
        return "\n".join(lines)


def read(pid) -> Optional[Reading]:
    """The process's memory; None if it has ended. Raises if it may not be read: that is no zero."""
    try:
        with open("/proc/%d/comm" % pid, encoding="utf-8", errors="replace") as file:
            name = file.read().strip()
        with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
            lines = file.read().splitlines()[1:]  # the first is the address range
    except (FileNotFoundError, ProcessLookupError):
        return None
    sizes = {}
    for line in lines:
        field, _, value = line.partition(":")
        sizes[field] = int(value.split()[0]) * 1024  # the kernel prints kB and means KiB
    if not sizes:
        return None  # a zombie: its memory is gone
    private = sizes["Private_Clean"] + sizes["Private_Dirty"]
    return Reading(pid, name, sizes["Rss"], sizes["Pss"], private)


def family_of(pid) -> List[int]:
    """`pid` and all its descendants that are alive now."""
    children = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % entry, encoding="utf-8", errors="replace") as file:
                # The name in parentheses may hold anything; the parent is 2nd after it.
                parent = int(file.read().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        children.setdefault(parent, []).append(int(entry))
    family, fresh = [], [pid]
    while fresh:
        member = fresh.pop()
        family.append(member)
        fresh.extend(children.get(member, []))
    return family


def look(pids: Iterable[int]) -> Verdict:
    readings = [read(pid) for pid in sorted(set(pids))]
    return Verdict([reading for reading in readings if reading is not None])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pids", type=int, nargs="*", help="processes to look at")
    parser.add_argument("--tree", type=int, action="append", default=[], metavar="PID",
                        help="this process and all its descendants too")
    parser.add_argument("--size-mib", type=int, default=512,
                        help="tell who holds as much (default: %(default)s)")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    pids = chosen.pids + [pid for root in chosen.tree for pid in family_of(root)]
    if not pids:
        parser.error("name a process, or a --tree of them")
    verdict = look(pids)
    size = chosen.size_mib * 2**20
    holders = verdict.holders(size)
    if chosen.json:
        json.dump({"processes": [reading._asdict() for reading in verdict.readings],
                   "pss": verdict.pss,
                   "holders": [reading.pid for reading in holders],
                   "private_holders": [reading.pid for reading in verdict.private_holders(size)]},
                  sys.stdout)
        print()
        return
    print(verdict)
    print("%d of %d processes hold %d MiB or more" % (
        len(holders), len(verdict.readings), chosen.size_mib))


if __name__ == "__main__":
    main()
