"""The distribution of failover times over stored runs, by outage mode, with what can be claimed from that many.

    harness run scenarios/measure/outage.yaml --repeat 59 --out runs/measure
    python benchmarks/failover_times.py runs/measure

The worst of n judged runs bounds a share of all such runs with 95 % confidence: the 95th percentile from n = 59. Times come
from the stored verdicts, by the rule of every report (`harness.report.failovers`): a run that was not judged by its failover
time, or can't be trusted, is no sample. Such runs are counted and named; and since the slow ones may be among them, the
bound is told once more with each of them taken for a miss. Service that never came back counts as infinite.
"""

from __future__ import annotations

import statistics
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np

from harness.engine.verdict_file import read_verdicts
from harness.history.journal import read_journal
from harness.history.stored import StoredRun, stored_runs
from harness.model.errors import HarnessError
from harness.model.events import HostContended
from harness.model.judgement import Judgement
from harness.model.outcome import Outcome
from harness.model.shares import share_at_most
from harness.report.failovers import Failovers, failovers_of

NEVER_JUDGED = Judgement(Outcome.UNKNOWN, (), reasons=("it was never judged",))


@dataclass(slots=True)
class Sample:
    """The runs of one mode, in their order."""

    judgements: list[Judgement] = field(default_factory=list)
    strangers: float = 0.0


def read(run: StoredRun, sample: Sample) -> str:
    """Take one run in; a word on it when it is no PASS."""
    judgement = read_verdicts(run.folder) if run.folder.verdicts.exists() else NEVER_JUDGED
    sample.judgements.append(judgement)
    shares = [e.share for e in read_journal(run.folder.journal).events if isinstance(e, HostContended)]
    sample.strangers = max([sample.strangers, *shares])
    if judgement.outcome is Outcome.PASS:
        return ""
    reasons = (
        *judgement.reasons,
        *(f"{v.check}: {v.summary}" for v in judgement.verdicts if v.outcome is not Outcome.PASS),
    )
    return f"{judgement.outcome} {run.folder.path}: {reasons[0] if reasons else ''}"


def tell(mode: str, sample: Sample, found: Failovers) -> None:
    """One line a mode, and what its sample bears."""
    low, median, p90, worst = np.quantile(found.times_ms, [0, 0.5, 0.9, 1], method="inverted_cdf")
    outcomes = Counter(str(judgement.outcome) for judgement in sample.judgements)
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    print(f"{mode:<14}{len(found.times_ms):>5}{low:>9.1f}{median:>9.1f}{p90:>9.1f}{worst:>9.1f}   {told}")
    for line in claims(found):
        print(f"{'':<14}{line}")
    if halves := medians_of_halves(sample.judgements):
        print(f"{'':<14}medians of the halves in time {halves[0]:.1f} and {halves[1]:.1f}", end="")
        print(
            f"; other processes used up to {sample.strangers:.0%} of the machine" if sample.strangers else ""
        )


def claims(found: Failovers) -> list[str]:
    """What is bounded with 95 % confidence: of the judged runs, and of all when each unjudged one is taken for a miss."""
    miss = "never come back" if found.never else f"take longer than {found.worst_ms:.1f} ms"
    lines = [f"at most {share_at_most(found.never, len(found.times_ms)):.1%} of judged runs {miss}"]
    if found.unjudged:
        lines.append(
            f"{found.unjudged} more not judged: if all of them did, at most {found.worse_at_most:.1%} of all runs {miss}"
        )
    return lines


def medians_of_halves(judgements: list[Judgement]) -> tuple[float, float] | None:
    """The medians of the earlier and the later half of the runs; None where either has no time."""
    half = len(judgements) // 2
    first, second = failovers_of(judgements[:half]), failovers_of(judgements[half:])
    if first is None or second is None or not first.times_ms or not second.times_ms:
        return None
    return statistics.median(first.times_ms), statistics.median(second.times_ms)


def main(folders: list[str]) -> int:
    """Read, and tell; 5 when the folders hold no failover that was judged, 1 when a run is a FAIL."""
    samples: dict[str, Sample] = defaultdict(Sample)
    try:
        odd = [
            read(run, samples[str(run.meta.variables.get("mode", run.meta.scenario))])
            for run in stored_runs(folders)
        ]
    except HarnessError as error:
        print(error, file=sys.stderr)
        return int(error.exit_code)
    times = {mode: failovers_of(sample.judgements) for mode, sample in samples.items()}
    print(f"{'mode':<14}{'n':>5}{'min':>9}{'median':>9}{'p90':>9}{'worst':>9}   outcomes of all runs")
    for mode, found in sorted(times.items()):
        if found is None or not found.times_ms:
            print(
                f"{mode:<14}{0:>5}   none of {len(samples[mode].judgements)} runs was judged by its failover time"
            )
        else:
            tell(mode, samples[mode], found)
    print("milliseconds, from the first measured effect to the first acknowledgement of one good second;")
    print("bounds have 95 % confidence")
    print("".join(f"{text}\n" for text in odd if text), end="")
    if not any(found is not None and found.times_ms for found in times.values()):
        return 5
    judged = [judgement for sample in samples.values() for judgement in sample.judgements]
    return 1 if any(judgement.outcome is Outcome.FAIL for judgement in judged) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
