"""How fast a stored history is judged: events a second of each predicate, of all together, and of the reference matcher.

An event is one row of the history's tables: three replicas' logs, executions and books, and what clients saw. Each predicate
is timed on a run whose tables were just opened, so that it pays for numbering its own texts, and again in a row with the
others, who share that. Time is processor time; `--wall` takes the clock's. Prints a table, and one line of JSON.
Usage: `python benchmarks/checks_throughput.py [--events 1000000] [--wall]`.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "checks"))

from large_history import ROWS_A_BLOCK, large_run, rows_of

from harness.checks.integrity.replay import replayed
from harness.checks.order_integrity import PREDICATES
from harness.checks.predicate import judge_predicate
from harness.checks.view import view
from harness.history.run import Run
from harness.model.outcome import Outcome

Clock = Callable[[], float]
REPLAY = ("O5", "O6", "O13")


def fresh(run: Run) -> Run:
    """The same tables, with nothing derived from them yet."""
    return Run(run.meta, run.journal, tables=run._given)


def timed(clock: Clock, run: Run, name: str) -> float:
    began = clock()
    finding = judge_predicate(run, PREDICATES[name])
    took = clock() - began
    assert finding.outcome is Outcome.PASS, finding
    return took


def measure(run: Run, clock: Clock) -> dict[str, dict[str, float]]:
    """Seconds of each predicate: alone, and in a row."""
    together = fresh(run)
    seconds = {name: {"alone": timed(clock, fresh(run), name)} for name in PREDICATES}
    for name in PREDICATES:
        seconds[name]["in_a_row"] = timed(clock, together, name)
    return seconds


def replay_rate(run: Run, clock: Clock) -> float:
    """Log entries a second through the reference matcher, with all that it needs read from the tables."""
    seen = view(fresh(run))
    began = clock()
    return replayed(seen).entries / (clock() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--wall", action="store_true")
    options = parser.parse_args()
    clock = time.perf_counter if options.wall else time.process_time
    run = large_run(max(2, options.events // ROWS_A_BLOCK))
    events = rows_of(run)
    seconds = measure(run, clock)
    print(f"{events:,} events, {'wall' if options.wall else 'processor'} time")
    for name, took in seconds.items():
        print(
            f"{name:4} alone {events / took['alone'] / 1e6:7.2f} M/s   in a row {events / took['in_a_row'] / 1e6:7.2f} M/s"
        )
    total = sum(took["in_a_row"] for took in seconds.values())
    columnar = sum(took["in_a_row"] for name, took in seconds.items() if name not in REPLAY)
    result = {
        "events": events,
        "slowest_columnar_alone_per_s": round(
            events / max(took["alone"] for n, took in seconds.items() if n not in REPLAY)
        ),
        "columnar_together_per_s": round(events / columnar),
        "all_together_per_s": round(events / total),
        "reference_matcher_entries_per_s": round(replay_rate(run, clock)),
        "peak_memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
