"""One stored schedule, played again: which rule it breaks, by which events, and with how few actions it still does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from trading_stack.defects import Defect
from trading_stack.simulation.case import Case, read_stored
from trading_stack.simulation.playing import run
from trading_stack.simulation.rules import Finding
from trading_stack.simulation.schedule import Schedule, write
from trading_stack.simulation.shrinking import shrunk


def replay(path: Path, *, defect: str, shrink: bool) -> int:
    """Play a kept case or schedule, with the given defect or else the case's own; 1 when a rule is broken, else 0.

    With `shrink` the smallest schedule that breaks the same rule is written beside it. Raises `msgspec.DecodeError` when
    the file is neither, `OSError` when it can't be read.
    """
    stored = read_stored(path)
    schedule = stored.schedule if isinstance(stored, Case) else stored
    own = frozenset({stored.defect}) if isinstance(stored, Case) else frozenset[Defect]()
    defects = frozenset({Defect(defect)}) if defect else own
    finding = run(schedule, defects).finding
    print(f"{path}: {len(schedule.actions)} actions, {', '.join(defects) or 'no defect'}")
    if finding is None:
        print("breaks no rule")
        return 0
    tell(finding)
    if shrink:
        least = shrunk(schedule, _breaks_alike(finding, defects))
        smaller = path.with_name(f"{path.stem}-shrunk.json")
        write(least, smaller)
        print(f"{len(least.actions)} actions break it as well: {smaller}")
    return 1


def tell(finding: Finding) -> None:
    """What was broken, and the last events that led there."""
    print(f"{finding.rule} at {finding.at_ns / 1e6:.3f} ms: {finding.summary}")
    for event in finding.events:
        fields = " ".join(f"{name}={value}" for name, value in event.fields.items())
        print(f"{event.at_ns / 1e6:12.3f} ms  {event.node:16} {event.kind} {fields}")


def _breaks_alike(finding: Finding, defects: frozenset[Defect]) -> Callable[[Schedule], bool]:
    def breaks(schedule: Schedule) -> bool:
        found = run(schedule, defects, judged=frozenset({finding.rule})).finding
        return found is not None

    return breaks
