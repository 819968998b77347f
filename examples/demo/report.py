"""What the demo prints: its steps, the table of results, and what to do next."""

import json
import os
from typing import Any, List, NamedTuple, Optional

EXAMPLES = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Facts(NamedTuple):
    """All that was observed; memory in bytes, None where it could not be read."""

    accuracy: float
    accuracy_min: float
    requests: int
    rounds: int
    problems: List[str]
    web_workers: int
    web_workers_seen: int
    web_memory: Optional[int]
    copies: int
    loads: int
    model_pids: List[int]
    torch_pids: List[int]
    model_pid: int
    model_memory: Optional[int]
    load_seconds: float
    private: Any
    seconds: float
    visitors: int
    latencies: List[float]


def step(text):
    print("==> " + text, flush=True)


def note(text):
    print("    " + text, flush=True)


def size_text(size):
    return "unknown" if size is None else "{:,.0f} MiB".format(size / 2**20)


def quantile(values, share):
    """The nearest-rank quantile of sorted `values`; 0 of none."""
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def failures_of(facts):
    """What was not as promised, a sentence each."""
    failures = []
    if facts.problems:
        failures.append("%d requests failed, as %s" % (len(facts.problems), facts.problems[0]))
    if facts.accuracy < facts.accuracy_min:
        failures.append("accuracy is below %.0f %%" % (100 * facts.accuracy_min))
    if facts.web_workers_seen < facts.web_workers:
        silent = facts.web_workers - facts.web_workers_seen
        failures.append("%d web workers never answered" % silent)
    if facts.copies != 1 or facts.loads != 1 or facts.model_pids != [facts.model_pid]:
        failures.append(
            "there was not one copy throughout: %s now, %s loads, processes %s"
            % (facts.copies, facts.loads, facts.model_pids)
        )
    if facts.torch_pids != [facts.model_pid]:
        failures.append("PyTorch is in the processes %s, not only the model's" % facts.torch_pids)
    return failures


def private_note(private):
    if private.started == private.wanted:
        return "measured: %d processes, each with PyTorch and the weights" % private.started
    return "scaled from %d that memory had room for" % private.started


def print_results(facts):
    """Prints the table and what failed; gives the failures."""
    rows = [
        ("accuracy", "%.2f %%" % (100 * facts.accuracy), "on digits that training never saw"),
        ("failed requests", len(facts.problems), "of {:,}".format(facts.requests)),
        ("web workers", facts.web_workers_seen, "answered, of %d" % facts.web_workers),
        ("copies of the model", facts.copies, "process %s" % facts.model_pid),
        (
            "memory of the model's process",
            size_text(facts.model_memory),
            "loaded in %.1f s, once" % facts.load_seconds,
        ),
        (
            "what %d private copies take" % facts.private.wanted,
            size_text(facts.private.memory),
            private_note(facts.private),
        ),
        ("all web workers together", size_text(facts.web_memory), "none holds PyTorch"),
        (
            "latency p50",
            "%.1f ms" % (1000 * quantile(facts.latencies, 0.50)),
            "visitor to model and back, %d visitors at once" % facts.visitors,
        ),
        ("latency p99", "%.1f ms" % (1000 * quantile(facts.latencies, 0.99)), ""),
        (
            "requests per second",
            "{:,.0f}".format(facts.requests / facts.seconds),
            "in %d rounds" % facts.rounds,
        ),
    ]
    print()
    for name, value, remark in rows:
        print("  {:<30} {:>12}   {}".format(name, value, remark).rstrip())
    print("\n  Memory is PSS: each process's share of the pages that it holds.")
    failures = failures_of(facts)
    for failure in failures:
        print("  FAILED: " + failure)
    return failures


def print_ways_in(daemon, web, windlass, image):
    """How to use what is running; everything can be pasted as it is."""
    print()
    print("  %s models --url http://127.0.0.1:%d" % (os.path.relpath(windlass), daemon.port))
    body = json.dumps({"images": [image.pixels]}, separators=(",", ":"))
    print("  curl --data '%s' http://127.0.0.1:%d/" % (body, web.port))
    print("  less %s %s" % (daemon.process.log_path, web.process.log_path))
    print(flush=True)


def print_next_steps(windlass):
    """The model of one's own is printed from the files that the tests run."""
    windlass = os.path.relpath(windlass)
    folder = os.path.relpath(os.path.join(EXAMPLES, "first"))
    print("\nKeep it running:  make demo KEEP=1")
    print("\nA model of your own, in 10 lines (they are in %s):\n" % folder)
    for name in ("mine.py", "windlass.toml"):
        with open(os.path.join(EXAMPLES, "first", name), encoding="utf-8") as file:
            print("  # " + name)
            for line in file:
                print(("  " + line).rstrip())
        print()
    print("  %s serve %s" % (windlass, os.path.join(folder, "windlass.toml")))
    print("  %s call mine --data '{\"text\": \"ahoy\"}'" % windlass)
    print(flush=True)
