"""Do two platforms agree? The same scenarios, run on each: their verdicts, their decisions, their failover times.

    harness run scenarios/gate --out runs/process
    harness run scenarios/gate --platform sim --out runs/sim
    python benchmarks/platforms_agree.py runs/process runs/sim

Verdicts differ where one side came to an outcome of a check that the other never had, or to shares whose exact 95 %
intervals lie apart. A decision is a step of a failover that the stack told, with the service that took it and its epoch;
steps that two services take at about the same time may come in either order, so they are compared as they stand for each
service. Times are told by the rule of every report (`harness.report.failovers`): a FAIL without a time is infinite, and
what can't be trusted is counted as unjudged. 1 when verdicts differ, when no run decided as any on the other side, or
when a scenario lies on one side only, 5 when there is no run. Runs that differ in more than their seeds, such as the
version that ran them, are kept apart, so that a folder of several versions is one-sided, too.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from judged_runs import judged_runs

from harness.history.run import load_run
from harness.model.errors import HarnessError
from harness.model.events import StackSaid
from harness.model.outcome import Outcome
from harness.model.shares import share_interval
from harness.model.stack_event import Moment
from harness.report.repeats import Repeats, groups_of
from harness.report.repeats_told import between_text, counts_text, time_text, worse_text

DECISIONS = (
    Moment.PRIMARY_SUSPECTED,
    Moment.FAILOVER_DECIDED,
    Moment.CERTIFICATE_ISSUED,
    Moment.ELECTION_STARTED,
    Moment.LOG_SEALED,
    Moment.PRIMARY_PROMOTED,
)

Decisions = tuple[tuple[str, tuple[tuple[str, int | None], ...]], ...]


def decisions(path: str) -> Decisions:
    """What each service decided, in its own order, from the first onset of the run in a folder on."""
    run = load_run(Path(path))
    taken: dict[str, list[tuple[str, int | None]]] = defaultdict(list)
    for event in run.events:
        if isinstance(event, StackSaid) and event.at_ns >= run.zero_ns and event.event.kind in DECISIONS:
            taken[event.event.service].append((str(event.event.kind), event.event.epoch))
    return tuple((service, tuple(steps)) for service, steps in sorted(taken.items()))


def outcomes(runs: Repeats) -> dict[str, Counter[Outcome]]:
    """How often each check came to each outcome, and the runs as a whole did."""
    found: dict[str, Counter[Outcome]] = defaultdict(Counter)
    for run in runs.runs:
        found["whole run"][run.judgement.outcome] += 1
        for verdict in run.judgement.verdicts:
            found[verdict.check][verdict.outcome] += 1
    return found


def differing(one: Repeats, other: Repeats) -> list[str]:
    """A line for each check whose outcomes differ by more than chance explains."""
    here, there = outcomes(one), outcomes(other)
    return [
        f"{check}: {_counted(here[check])} / {_counted(there[check])}"
        for check in sorted({*here, *there})
        if not _alike(here[check], there[check])
    ]


def _alike(here: Counter[Outcome], there: Counter[Outcome]) -> bool:
    if set(here) != set(there):
        return False
    between = [
        (share_interval(here[each], here.total()), share_interval(there[each], there.total()))
        for each in here
    ]
    return all(one.low <= other.high and other.low <= one.high for one, other in between)


def _counted(counts: Counter[Outcome]) -> str:
    return f"{counts_text(counts) or 'not judged'} (n = {counts.total()})"


def shared(one: Repeats, other: Repeats) -> tuple[int, int]:
    """How many runs of each side decided as some run of the other did."""
    here, there = ([decisions(run.path) for run in side.runs] for side in (one, other))
    return sum(taken in there for taken in here), sum(taken in here for taken in there)


def failovers_text(runs: Repeats) -> str:
    """The median with its range and the worst, with how many runs bear them."""
    times = runs.failovers
    if times is None:
        return "not asked for"
    told = f"n = {len(times.times_ms)}, {times.unjudged} unjudged"
    if not times.times_ms:
        return told
    between = f" ({between_text(times)})" if times.median_between_ms else ""
    median, worst = time_text(times.median_ms), time_text(times.worst_ms)
    return f"{told}; median {median}{between}, worst {worst}, {worse_text(times)}"


def tell(one: Repeats, other: Repeats) -> bool:
    """Tell of one scenario; whether both sides agree."""
    differ = differing(one, other)
    here, there = shared(one, other)
    agreed = not differ and here > 0
    print(f"{one.name}: {'same' if agreed else 'DIFFER'}, n = {len(one.runs)} / {len(other.runs)}")
    print("".join(f"  DIFFER in {line}\n" for line in differ), end="")
    no = "" if here else "DIFFER: no decision is shared; "
    print(f"  decisions: {no}{here} of {len(one.runs)} seen there, {there} of {len(other.runs)} seen here")
    print(f"  failover time, one:   {failovers_text(one)}")
    print(f"  failover time, other: {failovers_text(other)}")
    return agreed


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, and tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("one", type=Path, help="runs on one platform")
    parser.add_argument("other", type=Path, help="runs on the other")
    folders = parser.parse_args(arguments)
    try:
        one, other = (
            {group.name: group for group in groups_of(judged_runs([folder]))}
            for folder in (folders.one, folders.other)
        )
        both = sorted(one.keys() & other.keys())
        agreed = sum(tell(one[name], other[name]) for name in both)
    except HarnessError as error:
        print(error, file=sys.stderr)
        return int(error.exit_code)
    alone = sorted((name, folder) for name, folder in _alone(one, other, folders.one, folders.other))
    print("".join(f"ONLY in {folder}: {name}\n" for name, folder in alone), end="")
    print(f"{agreed} of {len(both)} scenarios agree, {len(alone)} lie on one side only")
    return 0 if both and agreed == len(both) and not alone else 1


def _alone(
    one: dict[str, Repeats], other: dict[str, Repeats], here: Path, there: Path
) -> list[tuple[str, Path]]:
    mine = ((name, here) for name in one.keys() - other.keys())
    theirs = ((name, there) for name in other.keys() - one.keys())
    return [*mine, *theirs]


if __name__ == "__main__":
    raise SystemExit(main())
