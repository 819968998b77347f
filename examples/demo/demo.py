"""One copy of a real model, 17 web workers: starts it all, sends real images, prints what it takes.

    python3 demo.py path/to/windlass [--keep]

Ends with status 1 when a request failed, a web worker never answered, there was more than one copy
or accuracy fell below 97 %. Standard library only; PyTorch runs in the processes that this starts.
"""

import argparse
import os
import signal
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "digits"))

import report
import stages
from dataset import held_out_images
from processes import DemoError, Processes

ROUNDS_MIN = 3  # 1,080 requests: enough for a p99
ROUNDS_MAX = 30


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("windlass", help="the program to run, such as build/release/bin/windlass")
    parser.add_argument("--keep", action="store_true", help="go on serving until Ctrl-C")
    parser.add_argument("--web-workers", type=int, default=17, help="default: %(default)s")
    parser.add_argument("--visitors", type=int, default=17, help="at once; default: %(default)s")
    chosen = parser.parse_args()
    chosen.windlass = os.path.abspath(chosen.windlass)
    if not os.access(chosen.windlass, os.X_OK):
        parser.error("%s is not a program; build it first (make)" % chosen.windlass)
    if chosen.web_workers < 1 or chosen.visitors < 1:
        parser.error("--web-workers and --visitors must be at least 1")
    return chosen


def run(chosen, processes, work_dir):
    """The demo from beginning to end; whether everything was as promised."""
    model_python = stages.find_model_python()
    web_python = stages.find_web_python(model_python)
    images = held_out_images()

    report.step("starting private copies of the model, for comparison")
    private = stages.measure_private_copies(processes, model_python, chosen.web_workers)

    report.step("starting windlass and loading the model")
    daemon = stages.start_daemon(processes, chosen.windlass, model_python, work_dir)
    report.step("starting gunicorn with %d workers" % chosen.web_workers)
    web = stages.start_web(processes, web_python, daemon, chosen.web_workers, images[0])

    report.step("sending %d held-out images, %d at a time" % (len(images), chosen.visitors))
    traffic = stages.send_until_all_answered(
        web, images, chosen.visitors, ROUNDS_MIN, ROUNDS_MAX
    )
    facts = stages.collect_facts(daemon, web, private, traffic)
    failures = report.print_results(facts)
    if failures:
        return False
    report.print_next_steps(chosen.windlass)
    if chosen.keep:
        report.step("serving; Ctrl-C ends it. Try")
        report.print_ways_in(daemon, web, chosen.windlass, images[0])
        stages.wait_for_end(daemon, web)
    return True


def main():
    chosen = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with tempfile.TemporaryDirectory(prefix="windlass-demo-") as work_dir:
            with Processes(work_dir) as processes:
                good = run(chosen, processes, work_dir)
    except DemoError as error:
        sys.exit("demo: %s" % error)
    except KeyboardInterrupt:
        sys.exit(0 if chosen.keep else 130)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
