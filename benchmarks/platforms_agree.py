"""Do two platforms agree? The same scenarios, run on each: their verdicts, their decisions, their failover times.

    harness run scenarios/gate --out runs/process
    harness run scenarios/gate --platform sim --out runs/sim
    python benchmarks/platforms_agree.py runs/process runs/sim

A decision is a step of a failover that the stack told, with the service that took it and its epoch; steps that two
services take at about the same time may come in either order, so they are compared as they stand for each service.
"""

from __future__ import annotations

import argparse
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from harness.engine.verdict_file import read_verdicts
from harness.history.folder import RunFolder
from harness.history.run import Run, load_run
from harness.model.events import StackSaid
from harness.model.stack_event import Moment
from harness.report.phases import failover, figure

DECISIONS = (
    Moment.PRIMARY_SUSPECTED,
    Moment.FAILOVER_DECIDED,
    Moment.CERTIFICATE_ISSUED,
    Moment.ELECTION_STARTED,
    Moment.LOG_SEALED,
    Moment.PRIMARY_PROMOTED,
)

Decisions = tuple[tuple[str, tuple[tuple[str, int | None], ...]], ...]


def runs_of(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every run below a folder, with its scenario's id."""
    for meta in sorted(folder.glob("*/*/run.json")):
        if not meta.parent.is_symlink():
            yield meta.parent.parent.name, meta.parent


def decisions(run: Run) -> Decisions:
    """What each service decided, in its own order, from the first onset on."""
    taken: dict[str, list[tuple[str, int | None]]] = defaultdict(list)
    for event in run.events:
        if isinstance(event, StackSaid) and event.at_ns >= run.zero_ns and event.event.kind in DECISIONS:
            taken[event.event.service].append((str(event.event.kind), event.event.epoch))
    return tuple((service, tuple(steps)) for service, steps in sorted(taken.items()))


def outcomes(path: Path) -> tuple[tuple[str, str], ...]:
    """The verdicts of a run by check."""
    judgement = read_verdicts(RunFolder(path))
    return tuple(sorted((verdict.check, str(verdict.outcome)) for verdict in judgement.verdicts))


def failover_ms(path: Path) -> float | None:
    """The failover time of a run, or None."""
    measured = figure(failover(read_verdicts(RunFolder(path))), "failover_time")
    return None if measured is None else measured.value


def told(times: list[float]) -> str:
    if not times:
        return "-"
    return f"{statistics.median(times):.0f} (n={len(times)}, worst {max(times):.0f})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("one", type=Path, help="runs on one platform")
    parser.add_argument("other", type=Path, help="runs on the other")
    arguments = parser.parse_args()
    found: dict[str, tuple[list[Path], list[Path]]] = defaultdict(lambda: ([], []))
    for side, folder in enumerate((arguments.one, arguments.other)):
        for scenario, path in runs_of(folder):
            found[scenario][side].append(path)
    differ = 0
    print(f"{'scenario':<48} {'verdicts':<9} {'decisions':<22} failover ms, one / other")
    for scenario, (ones, others) in sorted(found.items()):
        if not ones or not others:
            continue
        same = {outcomes(path) for path in ones} == {outcomes(path) for path in others}
        here, there = (Counter(decisions(load_run(path)) for path in side) for side in (ones, others))
        shared = sum(count for taken, count in there.items() if taken in here)
        differ += not same
        times = [[ms for path in side if (ms := failover_ms(path)) is not None] for side in (ones, others)]
        agreed = f"{shared} of {sum(there.values())} seen there"
        print(
            f"{scenario:<48} {'same' if same else 'DIFFER':<9} {agreed:<22} {told(times[0])} / {told(times[1])}"
        )
    return 1 if differ else 0


if __name__ == "__main__":
    raise SystemExit(main())
