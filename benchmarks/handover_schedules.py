"""Planned handovers in virtual time with faults at their steps: as many seeds as one likes, in as long as one has.

Prints one line of JSON: how many schedules were run, how the handovers ended, and the seeds that violated something.
Usage: `python benchmarks/handover_schedules.py [--seeds N] [--from SEED] [--within SECONDS]`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "trading_stack" / "protocol"))

from test_handover_schedules import schedule

from trading_stack.simulation.rules import Violation

ENDS = ("handover_completed", "handover_abandoned")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--within", type=float, default=float("inf"), metavar="SECONDS")
    arguments = parser.parse_args()
    ends: Counter[str] = Counter()
    violations: dict[int, str] = {}
    run, began_s = 0, time.monotonic()
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        if time.monotonic() - began_s > arguments.within:
            break
        run += 1
        try:
            kinds = set(schedule(seed).kinds())
        except (AssertionError, Violation) as violation:
            violations[seed] = str(violation)
            continue
        ends["+".join(kind for kind in ENDS if kind in kinds) or "neither"] += 1
    figures = {
        "schedules": run,
        "ends": dict(ends),
        "violations": violations,
        "cpu_s": round(time.process_time(), 1),
    }
    print(json.dumps(figures))
    sys.exit(1 if violations else 0)


if __name__ == "__main__":
    main()
