"""`make mutants`: switches each bug of src/core/mutant.h on and shows that some test finds it.

Without --all, as in `ctest`: each by what found it the last time (killers.json), which takes
seconds. With --all everything is measured anew and killers.json and docs/mutants.md are written.
Exits with 1 if a mutant lives.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
HEADER = ROOT / "src/core/mutant.h"
KILLERS = HERE / "killers.json"
DOCUMENT = ROOT / "docs/mutants.md"

# What these do not find is left to the exploration.
SEEDS_MAX = 3_000
# Of those that unit tests find: then the table says that the simulation does not.
SEEDS_OF_KNOWN = 1_000
# A seed that finds one no more, since something else has changed: so many are tried instead.
SEEDS_INSTEAD = 500
SURVIVORS_MIN = 20

MUTANT = re.compile(r"^    // (.*)\n    ([a-z_]+),$", re.M)
VIOLATION = re.compile(r"WINDLASS_SEED=(\d+) at [-\d]+ ms, event \d+: (.*)")
SEED = re.compile(r"WINDLASS_SEED=(\d+)")
ASSERTION = re.compile(r"assertion failed: (.*) \(\S+:\d+\)")
THROWN = re.compile(r"test case THREW exception: (.*)")
TEST_CASE = re.compile(r"^TEST CASE:  (.*)", re.M)
STORY = re.compile(r"^\s*and so: (.*)", re.M)
WORLD = re.compile(r"^exploration: (.{34})\s+(\d+) states", re.M)


def mutants():
    """Returns name -> what it does, in the order of the header."""
    return {name: text for text, name in MUTANT.findall(HEADER.read_text())}


def sentence_of(output):
    """What the program said of the broken law."""
    for pattern, group in ((VIOLATION, 2), (STORY, 1), (ASSERTION, 1), (THROWN, 1)):
        found = pattern.search(output)
        if found:
            text = found.group(group).strip()
            return f"assertion: {text}" if pattern is ASSERTION else text
    return "a test failed"


SEEDED = "-tc=*worlds with faults*"  # the one test whose seeds are told


class Tests:
    """The three programs that a mutant may fall to."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def run(self, program, name, *arguments, **environment):
        """Returns what the program printed; None if it found nothing."""
        settings = {key: str(value) for key, value in environment.items()}
        if name:
            settings["WINDLASS_MUTANT"] = name
        kept = {key: value for key, value in os.environ.items() if not key.startswith("WINDLASS_")}
        done = subprocess.run(
            [self.folder / f"wl_{program}_mutants", *arguments],
            env=kept | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            text=True,
            errors="replace",
        )
        if done.returncode == 2:
            raise SystemExit(done.stdout)
        return done.stdout if done.returncode else None

    def unit(self, name, case=None):
        """The unit tests of the engine, or one of them."""
        # A comma would part two filters.
        chosen = [] if case is None else ["-tc=" + case.replace(",", "?")]
        output = self.run("core", name, *chosen)
        if output is None:
            return None
        cases = TEST_CASE.findall(output)
        first = cases[0].strip() if cases else ""
        return {"by": "unit", "case": first, "says": sentence_of(output)}

    def seed(self, name, seed):
        """One seed of the simulation."""
        output = self.run("simulation", name, SEEDED, WINDLASS_SEED=seed)
        return output and {"by": "simulation", "seed": seed, "says": sentence_of(output)}

    def seeds(self, name, count):
        """The simulation from its first seed on."""
        output = self.run("simulation", name, SEEDED, WINDLASS_SEEDS=count)
        if output is None:
            return None
        found = SEED.search(output)
        if found:
            return self.seed(name, int(found.group(1)))
        # The program ended before it could say at which seed.
        upper = 1
        while upper < count and self.run("simulation", name, SEEDED, WINDLASS_SEEDS=upper) is None:
            upper *= 2
        tries = (self.seed(name, seed) for seed in range(upper // 2 + 1, upper + 1))
        return next(filter(None, tries))

    def world(self, name, case):
        """A world of the exploration."""
        output = self.run("exploration", name, "-tc=" + case.replace(",", "?"))
        if output is None:
            return None
        world = WORLD.search(output)
        return {
            "by": "exploration",
            "case": case,
            "world": world.group(1).strip() if world else case,
            "states": int(world.group(2)) if world else 0,
            "says": sentence_of(output),
        }

    def worlds(self, name):
        """All worlds, the small ones first."""
        listed = self.run_list()
        return next(filter(None, (self.world(name, case) for case in listed)), None)

    def run_list(self):
        """The names of the worlds."""
        done = subprocess.run(
            [self.folder / "wl_exploration_mutants", "-ltc"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return [line for line in done.stdout.split("\n") if "explored to closure" in line]


def measure(tests, name):
    """Everything that finds it: the unit tests, else the simulation, else the exploration."""
    unit = tests.unit(name)
    found = tests.seeds(name, SEEDS_OF_KNOWN if unit else SEEDS_MAX)
    if not unit and not found:
        found = tests.worlds(name)
    return {"unit": unit, "found": found}


def check(tests, name, killers):
    """What found it the last time finds it again."""
    known = killers.get(name)
    if known is None:
        return None
    found = known["found"] or known["unit"]
    if found["by"] == "unit":
        return tests.unit(name, found["case"]) or tests.unit(name)
    if found["by"] == "exploration":
        return tests.world(name, found["case"])
    return tests.seed(name, found["seed"]) or tests.seeds(
        name, min(SEEDS_MAX, max(SEEDS_INSTEAD, 4 * found["seed"]))
    )


def where(found):
    """A cell of the table."""
    if found is None:
        return "-"
    if found["by"] == "unit":
        return found["case"]
    if found["by"] == "simulation":
        return f"simulation, seed {found['seed']}"
    return f"exploration, \"{found['world']}\", {found['states']} states"


def table(results):
    """docs/mutants.md."""
    texts = mutants()
    survivors = sum(1 for result in results.values() if result["unit"] is None)
    rows = []
    for name, result in results.items():
        found = result["found"]
        unit = result["unit"]
        says = found["says"].replace("|", "\\|") if found else "-"
        seen = f"\"{where(unit)}\"" if unit else "**survives**"
        rows.append(f"| `{name}` | {texts[name]} | {seen} | {where(found)} | {says} |")
    return DOCUMENT_HEAD.format(count=len(results), survivors=survivors) + "\n".join(rows) + "\n"


DOCUMENT_HEAD = """\
# Mutants: bugs that the tests must find

Written by `make mutants`; do not edit. The engine has {count} deliberate bugs, in
`src/core/mutant.h`. Each breaks a law of the design, or repeats what a comparable program did
(llama-swap, ollama, LocalAI, llama.cpp, vLLM, vramd and others: a rule is what was learned from
them). In the shipped build none of them exists: `mutant()` is false to the compiler, and the test
`mutants_leave_nothing` compares the object code with that of the same sources without it. One build
has them all, and the environment variable `WINDLASS_MUTANT` switches one on for the life of a test
program.

All are found. {survivors} of them survive every unit test of the engine and fall only to the
simulation or the exploration ([ARCHITECTURE.md](../ARCHITECTURE.md), "How it is proved"). A seed is
the first that finds it, so that it is also how many it took; "-" means that 1,000 seeds did not.
`make test` looks whether each is still found by what found it first. A mutant that nothing can tell
from the engine is not in the list.

Rules 5 (nothing slow on the control loop) and 14 (orphans) have none: the engine does no I/O, which
the lint checks; orphans are ended by the keeper, and at the daemon's start.

| mutant | what it does | found by the unit test | found by seeds or states | and says |
|---|---|---|---|---|
"""


def main():
    """Says of each mutant whether it was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", help="the folder of the test programs")
    parser.add_argument("names", nargs="*", help="only these")
    parser.add_argument("--all", action="store_true", help="measure everything, write the table")
    options = parser.parse_args()
    tests = Tests(options.programs)
    names = options.names or list(mutants())
    killers = json.loads(KILLERS.read_text()) if KILLERS.exists() else {}
    if tests.unit(None) or tests.seeds(None, 50):
        sys.exit("mutants: the tests fail although no mutant is switched on")
    results = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [
            pool.submit(measure, tests, name)
            if options.all
            else pool.submit(check, tests, name, killers)
            for name in names
        ]
        for name, job in zip(names, jobs, strict=True):
            results[name] = job.result()
            found = results[name]
            if options.all:
                found = found["found"] or found["unit"]
            print(f"{name:<26} {where(found) if found else 'LIVES'}", flush=True)
    living = [name for name in names if not results[name] or results[name] == NOTHING]
    if options.all and not options.names and not living:
        KILLERS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
        DOCUMENT.write_text(table(results))
        killers = results
    survivors = sum(1 for name in mutants() if killers.get(name, {}).get("unit", "") is None)
    found_count = len(names) - len(living)
    print(f"mutants: {found_count} of {len(names)} found; {survivors} survive the unit tests")
    if living:
        sys.exit(f"mutants: nothing finds {', '.join(living)}; `make mutants` measures anew")
    if survivors < SURVIVORS_MIN:
        sys.exit(f"mutants: only {survivors} survive the unit tests; at least {SURVIVORS_MIN} must")


NOTHING = {"unit": None, "found": None}

if __name__ == "__main__":
    main()
