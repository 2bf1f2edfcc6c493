"""The distribution of failover times over stored runs, with what can be claimed from that many.

    harness run scenarios/measure/outage.yaml --repeat 59 --out runs/measure
    python benchmarks/failover_times.py runs/measure

The worst of n judged runs bounds a share of all such runs with 95 % confidence: the 95th percentile from n = 59. Runs are
put together by the rule of every report (`harness.report.repeats`): only those that differ in their seeds alone, so that
neither platforms nor defects nor versions become one n. Times come from the stored verdicts (`harness.report.failovers`): a
run that was not judged by its failover time, or can't be trusted, is no sample. Such runs are counted and named, and so are
attempts that were made again; and since the slow ones may be among them, the bound is told once more with each of them
taken for a miss. Service that never came back counts as infinite.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

import numpy as np
from judged_runs import judged_runs

from harness.history.folder import RunFolder
from harness.history.journal import read_journal
from harness.model.errors import HarnessError
from harness.model.events import HostContended
from harness.model.outcome import Outcome
from harness.model.shares import share_at_most
from harness.report.failovers import Failovers, failovers_of
from harness.report.judged import Judged
from harness.report.repeats import Repeats, groups_of
from harness.report.repeats_told import counts_text


def strangers(runs: Repeats) -> float:
    """The largest share of the machine that other processes used during one of the runs."""
    journals = (read_journal(RunFolder(Path(run.path)).journal) for run in runs.runs)
    shares = (e.share for journal in journals for e in journal.events if isinstance(e, HostContended))
    return max(shares, default=0.0)


def odd(run: Judged) -> list[str]:
    """A word on each attempt that was made again, and on a run that is no PASS."""
    told = [f"retried {attempt.path}: {attempt.why}" for attempt in run.retried]
    judgement = run.judgement
    if judgement.outcome is Outcome.PASS:
        return told
    reasons = (
        *judgement.reasons,
        *(f"{v.check}: {v.summary}" for v in judgement.verdicts if v.outcome is not Outcome.PASS),
    )
    return [*told, f"{judgement.outcome} {run.path}: {reasons[0] if reasons else ''}"]


def tell(runs: Repeats, found: Failovers) -> None:
    """One line for runs that repeat each other, and what they bear."""
    low, median, p90, worst = np.quantile(found.times_ms, [0, 0.5, 0.9, 1], method="inverted_cdf")
    print(runs.name)
    print(
        f"{'':<4}{len(found.times_ms):>5}{low:>9.1f}{median:>9.1f}{p90:>9.1f}{worst:>9.1f}   {counts_text(runs.counts)}"
    )
    for line in claims(found):
        print(f"{'':<6}{line}")
    if halves := medians_of_halves(runs):
        print(f"{'':<6}medians of the halves in time {halves[0]:.1f} and {halves[1]:.1f}")
    if share := strangers(runs):
        print(f"{'':<6}other processes used up to {share:.0%} of the machine")


def claims(found: Failovers) -> list[str]:
    """What is bounded with 95 % confidence: of the judged runs, and of all when each unjudged one is taken for a miss."""
    miss = "never come back" if found.never else f"take longer than {found.worst_ms:.1f} ms"
    lines = [f"at most {share_at_most(found.never, len(found.times_ms)):.1%} of judged runs {miss}"]
    if found.unjudged:
        lines.append(
            f"{found.unjudged} more not judged: if all of them did, at most {found.worse_at_most:.1%} of all runs {miss}"
        )
    return lines


def medians_of_halves(runs: Repeats) -> tuple[float, float] | None:
    """The medians of the earlier and the later half of the runs; None where either has no time."""
    judgements = [run.judgement for run in runs.runs]
    half = len(judgements) // 2
    first, second = failovers_of(judgements[:half]), failovers_of(judgements[half:])
    if first is None or second is None or not first.times_ms or not second.times_ms:
        return None
    return statistics.median(first.times_ms), statistics.median(second.times_ms)


def main(folders: list[str]) -> int:
    """Read, and tell; 5 when the folders hold no failover that was judged, 1 when a run is a FAIL."""
    try:
        groups = groups_of(judged_runs(folders))
    except HarnessError as error:
        print(error, file=sys.stderr)
        return int(error.exit_code)
    print(f"{'':<4}{'n':>5}{'min':>9}{'median':>9}{'p90':>9}{'worst':>9}   outcomes of all runs")
    measured = 0
    for group in groups:
        found = group.failovers
        if found is None or not found.times_ms:
            print(f"{group.name}\n{'':<6}none of {len(group.runs)} runs was judged by its failover time")
        else:
            measured += 1
            tell(group, found)
    print("milliseconds, from the first measured effect to the first acknowledgement of one good second;")
    print("bounds have 95 % confidence")
    print("".join(f"{text}\n" for group in groups for run in group.runs for text in odd(run)), end="")
    if not measured:
        return 5
    return 1 if any(group.failed for group in groups) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
