"""How fast operations on registers are judged: events a second of `linearizability` and `lost_writes`.

An event is one operation: reads, writes and compare-and-sets of an open loop over a few contended registers, and writes that
have a register of their own, as the register flow sends them; answers take up to `--open` operations' time, so that many are
open at once. With `--repeat`, values come back, and the search has to decide. Time is processor time. Prints a line for each
number of events, which shows whether the cost grows in proportion.
Usage: `python benchmarks/register_checks.py [--events 10000 100000 1000000] [--open 3] [--repeat 50]`.
"""

from __future__ import annotations

import argparse
import resource
import time
from random import Random

import pandas as pd

from harness.checks.contract import AnyCheck
from harness.checks.examples.history import meta
from harness.checks.linearizability import Linearizability
from harness.checks.lost_writes import LostWrites
from harness.history.columns import OPERATIONS, TABLES
from harness.history.frames import frame_of_rows, make_frame
from harness.history.journal import Journal
from harness.history.run import Run
from harness.model.events import Collected, LoadStarted
from harness.model.outcome import Outcome

KEYS = 5
EVERY_NS = 5_000_000


def history(events: int, *, seed: int, open_at_once: float, repeat: int) -> pd.DataFrame:
    """What a correct store answers: each operation takes effect at a moment of its own, in their order."""
    random = Random(seed)
    held: dict[str, str | None] = {}
    rows: list[tuple[str, str, str | None, str | None, int, int]] = []
    for number in range(events):
        at_ns = number * EVERY_NS
        spread_ns = EVERY_NS * open_at_once
        called_ns = at_ns - int(random.random() * spread_ns)
        returned_ns = at_ns + int(random.random() * spread_ns)
        key = f"k{random.randrange(KEYS)}" if random.random() < 0.5 else f"own-{number}"
        draw = random.random()
        value = f"v{number % repeat if repeat else number}"
        if key.startswith("own") or draw < 0.3:
            kind, expected = "write", None
            held[key] = value
        elif draw < 0.5 and held.get(key) is not None:
            kind, expected = "cas", held[key]
            held[key] = value
        else:
            kind, expected, value = "read", None, held.get(key)
        rows.append((kind, key, value, expected, called_ns, returned_ns))
    rows += [("read", key, value, None, at_ns + 10**10, at_ns + 10**10) for key, value in held.items()]
    kinds, keys, values, expecteds, called, returned = (list(column) for column in zip(*rows, strict=True))
    total = len(rows)
    columns: dict[str, list[object]] = {name: [None] * total for name in OPERATIONS}
    columns |= {"op": list(range(total)), "kind": kinds, "key": keys, "value": values, "expected": expecteds}
    columns |= {"sent_ns": called, "intended_ns": called, "completed_ns": returned, "outcome": ["ok"] * total}
    columns["client"] = ["client"] * total
    columns["purpose"] = ["flow"] * events + ["final"] * (total - events)
    return make_frame(OPERATIONS, columns)


def run_of(operations: pd.DataFrame) -> Run:
    """A whole run with these operations and nothing else."""
    tables = {name: frame_of_rows(columns, []) for name, columns in TABLES.items()}
    collected = Collected(at_ns=2**62, replicas=0, quotes=0, accounts=0, missing=())
    journal = Journal((LoadStarted(at_ns=0, workers=1), collected))
    return Run(meta(), journal, tables=tables | {"operations": operations})


def rate(check: AnyCheck, operations: pd.DataFrame) -> float:
    """Events a second of one check, the reading of the columns included."""
    run = run_of(operations)
    began = time.process_time()
    verdict = check.judge(
        run, check.Expectation.model_validate({"steps": 10**9} if check.name == "linearizability" else {})
    )
    took_s = time.process_time() - began
    assert verdict.outcome is Outcome.PASS, verdict
    return len(operations) / took_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--open", type=float, default=3.0)
    parser.add_argument("--repeat", type=int, default=0)
    asked = parser.parse_args()
    print(f"{'events':>12} {'linearizability/s':>18} {'lost_writes/s':>14} {'memory MB':>10}")
    for events in asked.events:
        operations = history(events, seed=7, open_at_once=asked.open, repeat=asked.repeat)
        rates = [rate(check, operations) for check in (Linearizability(), LostWrites())]
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"{len(operations):>12,} {rates[0]:>18,.0f} {rates[1]:>14,.0f} {memory:>10,}")


if __name__ == "__main__":
    main()
