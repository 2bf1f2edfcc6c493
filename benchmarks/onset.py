"""How long faults take from their scheduled moment to their measured effect, over stored runs, by fault and mode.

    harness run scenarios/measure/outage.yaml --repeat 100 --out runs/measure
    python benchmarks/onset.py runs/measure

For each: to the first and to the last measured effect, in milliseconds. All is in it that a run has: the waking of the
engine's loop, the ledger as far as it was not written ahead, HTTP to the fault proxy, reading back, signals, and dying.
The effect is what the victim or the proxy tells, so how late that is seen is in it, too. Faults that wait for an event of
the stack stand by themselves: how long the event took to be seen counts there. Virtual time is left out.

The 99th percentile is told from n = 100 on; of fewer, the worst is all that can be said.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from harness.history.folder import RunFolder
from harness.history.journal import read_journal
from harness.history.meta import read_meta
from harness.model.errors import UsageError
from harness.model.events import Event, FaultInjected, FaultTriggered

P99_FROM_N: Final = 100
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
    """Median and 99th percentile; the worst in its place, marked, where there are too few for one."""
    median, p99, worst = np.quantile(values, [0.5, 0.99, 1], method="inverted_cdf")
    high = f"{p99:7.1f} " if len(values) >= P99_FROM_N else f"{worst:7.1f}*"
    return f"{median:8.1f} {high}"


def main(folders: list[str]) -> int:
    """Read, and tell; 5 when the folders hold no fault that took effect."""
    samples: dict[str, list[Onset]] = defaultdict(list)
    odd: list[str] = []
    for path in sorted(
        {run.parent.resolve() for folder in folders for run in Path(folder).rglob("run.json")}
    ):
        folder = RunFolder(path)
        try:
            if read_meta(folder).platform == VIRTUAL:
                continue
            for onset in onsets(read_journal(folder.journal).events):
                samples[onset.kind].append(onset)
        except UsageError as error:
            odd.append(f"left out: {error}")
    print(f"{'':<36}{'n':>5}   first effect        last effect")
    print(f"{'milliseconds from the schedule':<36}{'':>5}{'median':>8}{'p99':>8}{'median':>11}{'p99':>8}")
    for kind, found in sorted(samples.items()):
        first, last = spread([each.first_ms for each in found]), spread([each.last_ms for each in found])
        print(f"{kind:<36}{len(found):>5}{first}  {last}")
    print(f"* the worst: fewer than {P99_FROM_N} say nothing sure of the 99th percentile")
    print(
        "waking the engine, the ledger as far as it was not written ahead, HTTP, reading back and dying included"
    )
    print("\n".join(odd))
    return 0 if samples else 5


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
