"""The distribution of failover times over stored runs, by outage mode, with what can be claimed from that many.

    harness run scenarios/measure/outage.yaml --repeat 59 --out runs/measure
    python benchmarks/failover_times.py runs/measure

The largest of n runs bounds the 95th percentile with 95 % confidence only from n = 59. Times come from the stored verdicts;
runs that are not PASS are counted and named, never left out of sight.
"""

from __future__ import annotations

import math
import statistics
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from harness.engine.verdict_file import read_verdicts
from harness.history.folder import RunFolder
from harness.history.journal import read_journal
from harness.history.meta import read_meta
from harness.model.events import HostContended
from harness.model.outcome import Outcome
from harness.report.phases import failover, figure

CLAIMED_N = 59


@dataclass(slots=True)
class Sample:
    """The runs of one mode. `times_ms` has one value a judged failover: infinite when service never came back."""

    times_ms: list[float] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    strangers: float = 0.0


def read(path: Path, sample: Sample) -> str:
    """Take one run in; a word on it when it is no PASS."""
    folder = RunFolder(path)
    if not folder.verdicts.exists():
        sample.outcomes["not judged"] += 1
        return f"not judged {path}"
    judgement = read_verdicts(folder)
    sample.outcomes[str(judgement.outcome)] += 1
    measured = figure(failover(judgement), "failover_time")
    if measured is not None:
        sample.times_ms.append(measured.value)
    elif judgement.outcome is Outcome.FAIL:
        sample.times_ms.append(math.inf)
    shares = [each.share for each in read_journal(folder.journal).events if isinstance(each, HostContended)]
    sample.strangers = max([sample.strangers, *shares])
    if judgement.outcome is Outcome.PASS:
        return ""
    reasons = judgement.reasons or tuple(f"{v.check}: {v.summary}" for v in judgement.verdicts)
    return f"{judgement.outcome} {path}: {reasons[0] if reasons else ''}"


def tell(mode: str, sample: Sample) -> None:
    """One line a mode, and what its sample can't bear."""
    times = sorted(sample.times_ms)
    low, median, p90, worst = np.quantile(times, [0, 0.5, 0.9, 1], method="inverted_cdf")
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(sample.outcomes.items()))
    print(f"{mode:<14}{len(times):>5}{low:>9.1f}{median:>9.1f}{p90:>9.1f}{worst:>9.1f}   {told}")
    if len(times) < CLAIMED_N:
        print(f"{'':<14}fewer than {CLAIMED_N} runs: the worst says nothing sure about the 95th percentile")
    half = len(times) // 2
    if half:
        first, second = (statistics.median(part) for part in (sample.times_ms[:half], sample.times_ms[half:]))
        print(f"{'':<14}medians of the halves in time {first:.1f} and {second:.1f}", end="")
        print(
            f"; other processes used up to {sample.strangers:.0%} of the machine" if sample.strangers else ""
        )


def main(folders: list[str]) -> int:
    samples: dict[str, Sample] = defaultdict(Sample)
    found = {run.parent.resolve() for folder in folders for run in Path(folder).rglob("run.json")}
    odd = []
    for path in sorted(found):
        meta = read_meta(RunFolder(path))
        odd.append(read(path, samples[str(meta.variables.get("mode", meta.scenario))]))
    print(f"{'mode':<14}{'n':>5}{'min':>9}{'median':>9}{'p90':>9}{'worst':>9}   outcomes of all runs")
    for mode, sample in sorted(samples.items()):
        if sample.times_ms:
            tell(mode, sample)
    print("milliseconds, from the first measured effect to the first acknowledgement of one good second;")
    print("a service that never came back counts as infinite, an UNKNOWN run is no sample")
    print("\n".join(text for text in odd if text))
    if not any(sample.times_ms for sample in samples.values()):
        return 5
    return 1 if any(sample.outcomes["FAIL"] for sample in samples.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
