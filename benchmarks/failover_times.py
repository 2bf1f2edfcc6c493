"""The distribution of failover times over stored runs, by outage mode, with what can be claimed from that many.

    harness run scenarios/measure/outage.yaml --repeat 59 --out runs/measure
    python benchmarks/failover_times.py runs/measure

The largest of n runs bounds the 95th percentile with 95 % confidence only from n = 59. Times come from the stored verdicts;
runs that are not PASS are counted and named, never left out of sight.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from harness.engine.verdict_file import read_verdicts
from harness.history.folder import RunFolder
from harness.history.meta import read_meta
from harness.model.outcome import Outcome
from harness.report.phases import failover, figure

CLAIMED_N = 59


def main(folders: list[str]) -> int:
    times: dict[str, list[float]] = defaultdict(list)
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    odd: list[str] = []
    for path in sorted(run.parent for folder in folders for run in Path(folder).rglob("run.json")):
        folder = RunFolder(path)
        mode = str(read_meta(folder).variables.get("mode", read_meta(folder).scenario))
        judgement = read_verdicts(folder)
        outcomes[mode][str(judgement.outcome)] += 1
        measured = figure(failover(judgement), "failover_time")
        if measured is not None:
            times[mode].append(measured.value)
        if judgement.outcome is not Outcome.PASS:
            reasons = judgement.reasons or tuple(f"{v.check}: {v.summary}" for v in judgement.verdicts)
            odd.append(f"{judgement.outcome} {path}: {reasons[0] if reasons else ''}")
    print(f"{'mode':<14}{'n':>5}{'min':>9}{'median':>9}{'p90':>9}{'worst':>9}   outcomes")
    for mode, values in sorted(times.items()):
        low, median, p90, worst = np.quantile(values, [0, 0.5, 0.9, 1], method="inverted_cdf")
        told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes[mode].items()))
        print(f"{mode:<14}{len(values):>5}{low:>9.1f}{median:>9.1f}{p90:>9.1f}{worst:>9.1f}   {told}")
        if len(values) < CLAIMED_N:
            print(
                f"{'':<14}fewer than {CLAIMED_N} runs: the worst says nothing sure about the 95th percentile"
            )
    print("milliseconds, from the first measured effect to the first acknowledgement of one good second")
    print("\n".join(odd))
    return 0 if times else 5


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
