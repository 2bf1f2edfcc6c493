"""Makes the smallest schedule that shows each planted defect of the protocol: found by chance, else the one made by hand.

    python benchmarks/shrunk_schedules.py --out tests/trading_stack/simulation/seeds
    python benchmarks/shrunk_schedules.py --defect older-epoch-committed --generators rivals --tries 5000 --out seeds

A schedule counts when it breaks a rule that a client or a replica could see broken, and when the right code breaks none.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from trading_stack.defects import Defect
from trading_stack.simulation.case import Case, write_case
from trading_stack.simulation.directed import DIRECTED
from trading_stack.simulation.generators import GENERATORS
from trading_stack.simulation.playing import run
from trading_stack.simulation.rules import EVERY_RULE, Rule
from trading_stack.simulation.schedule import Schedule
from trading_stack.simulation.shrinking import shrunk

SEEN = EVERY_RULE - {Rule.RECOVERABLE, Rule.PROGRESS, Rule.BOUNDED}


def found_by_chance(defect: Defect, tries: int, generators: list[str]) -> Iterator[Case]:
    """Cases of the generators, in turn."""
    for seed in range(tries // len(generators)):
        for make in (GENERATORS[generator] for generator in generators):
            finding = run(make(seed), frozenset({defect}), judged=SEEN).finding
            if finding is not None:
                yield Case(defect, finding.rule, make(seed))


def small(case: Case) -> Case:
    def breaks(schedule: Schedule) -> bool:
        finding = run(schedule, frozenset({case.defect}), judged=frozenset({case.rule})).finding
        return finding is not None and run(schedule).finding is None

    return Case(case.defect, case.rule, shrunk(case.schedule, breaks))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--defect", choices=[str(defect) for defect in DIRECTED], default="")
    parser.add_argument(
        "--tries", type=int, default=80, help="schedules by chance for each defect (default: 80)"
    )
    parser.add_argument("--generators", nargs="+", default=list(GENERATORS), choices=list(GENERATORS))
    parser.add_argument("--out", type=Path, required=True, help="the folder for the schedules")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    for defect in [Defect(options.defect)] if options.defect else DIRECTED:
        case = next(found_by_chance(defect, options.tries, options.generators), DIRECTED[defect])
        least = small(case)
        write_case(least, options.out / f"{defect}.json")
        source = "by hand" if case is DIRECTED[defect] else "by chance"
        counts = f"{len(case.schedule.actions)} -> {len(least.schedule.actions)} actions"
        print(f"{defect}: {least.rule}, {source}, {counts}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
