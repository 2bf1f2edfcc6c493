"""How long faults take from their scheduled moment to their measured effect, over stored runs, by fault and mode.

    harness run scenarios/measure/outage.yaml --repeat 299 --out runs/measure
    python benchmarks/onset.py runs/measure

For each: to the first and to the last measured effect, in milliseconds. All is in it that a run has: the waking of the
engine's loop, the ledger as far as it was not written ahead, HTTP to the fault proxy, reading back, signals, and dying.
The effect is what the victim or the proxy tells, so how late that is seen is in it, too. Faults that wait for an event of
the stack stand by themselves: how long the event took to be seen counts there. Virtual time is left out.

The worst of n bounds the share of all onsets that is told beside it, with 95 % confidence, whatever their distribution. The
99th percentile is told from n = 299 on, where the worst bounds it. All of it is said of faults that struck: those that
failed before are counted and named, and are in none of the figures.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from harness.history.journal import read_journal
from harness.history.stored import StoredRun, stored_runs
from harness.model.errors import HarnessError
from harness.model.events import Event, FaultFailed, FaultInjected, FaultTriggered
from harness.model.shares import bounded_by_worst
from harness.model.units import counted

P99_FROM_N: Final = 299
VIRTUAL: Final = "sim"


class Onset(NamedTuple):
    """One fault that took effect: what it was, and its delays in milliseconds."""

    kind: str
    first_ms: float
    last_ms: float


def onsets(events: tuple[Event, ...]) -> Iterator[Onset]:
    """The onsets that a journal tells, each under its fault, its mode, and whether it waited for an event."""
    triggered = {event.fault_id for event in events if isinstance(event, FaultTriggered)}
    for event in events:
        if isinstance(event, FaultInjected):
            mode = str(event.parameters.get("mode", ""))
            waited = "after an event" if event.fault_id in triggered else ""
            kind = ", ".join(word for word in (event.fault, mode, waited) if word)
            first_ns, last_ns = event.first_effect_ns - event.asked_ns, event.last_effect_ns - event.asked_ns
            yield Onset(kind, first_ns / 1e6, last_ns / 1e6)


def spread(values: list[float]) -> str:
    """Median, 99th percentile where so many bound it, and worst."""
    median, p99, worst = np.quantile(values, [0.5, 0.99, 1], method="inverted_cdf")
    high = f"{p99:8.1f}" if len(values) >= P99_FROM_N else f"{'–':>8}"
    return f"{median:8.1f}{high}{worst:8.1f}"


def read(run: StoredRun, samples: dict[str, list[Onset]]) -> list[str]:
    """Take the onsets of one run in; a line on each fault that failed before it had one."""
    events = read_journal(run.folder.journal).events
    for onset in onsets(events):
        samples[onset.kind].append(onset)
    struck = {event.fault_id for event in events if isinstance(event, FaultInjected)}
    failed = [each for each in events if isinstance(each, FaultFailed) and each.fault_id not in struck]
    return [f"failed: {event.fault_id} in {run.folder.path}: {event.reason}" for event in failed]


def tell(samples: dict[str, list[Onset]]) -> None:
    """One line a kind."""
    print(f"{'':<36}{'':>5}{'first effect':^24}{'last effect':^24}")
    heads = f"{'median':>8}{'p99':>8}{'worst':>8}"
    print(f"{'milliseconds from the schedule':<36}{'n':>5}{heads}{heads}  the worst bounds")
    for kind, found in sorted(samples.items()):
        first, last = spread([each.first_ms for each in found]), spread([each.last_ms for each in found])
        print(f"{kind:<36}{len(found):>5}{first}{last}{bounded_by_worst(len(found)):>13.1%} of all")
    print(f"bounds have 95 % confidence; below n = {P99_FROM_N}, none holds for the 99th percentile")
    print(
        "in it: waking the engine, the ledger as far as it was not written ahead, HTTP, reading back, dying"
    )


def main(folders: list[str]) -> int:
    """Read, and tell; 5 when the folders hold no fault that took effect."""
    samples: dict[str, list[Onset]] = defaultdict(list)
    failed: list[str] = []
    try:
        for run in stored_runs(folders):
            if run.meta.platform != VIRTUAL:
                failed += read(run, samples)
    except HarnessError as error:
        print(error, file=sys.stderr)
        return int(error.exit_code)
    tell(samples)
    print(f"all of it is said of faults that struck; {counted(len(failed), 'fault')} failed before")
    print("".join(f"{line}\n" for line in failed), end="")
    return 0 if samples else 5


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
