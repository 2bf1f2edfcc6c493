"""Plants each defect that a stack declares, and counts how often its scenario and its predicate catch it.

python benchmarks/planted_defects.py --runs 5 [--only no-fencing] [--out runs/defects]
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from harness.engine.platforms import platform_named
from harness.engine.setup import Setup, seeded
from harness.engine.suite import repeated, run_suite
from harness.engine.vocabulary import vocabulary
from harness.model.judgement import Judgement
from harness.model.outcome import Outcome
from harness.scenario.loading import load_scenarios
from harness.stack.description import Defect, Stack
from harness.stack.reading import read_stack
from harness.stack.reference import reference_scenarios


def caught(judgement: Judgement, by: str) -> bool:
    """Whether the check or the predicate that is meant for it fails."""
    return any(
        (verdict.check == by and verdict.outcome is Outcome.FAIL)
        or any(finding.predicate == by and finding.outcome is Outcome.FAIL for finding in verdict.findings)
        for verdict in judgement.verdicts
    )


def others(judgement: Judgement) -> list[str]:
    """All that fails."""
    names = [
        verdict.check
        for verdict in judgement.verdicts
        if verdict.outcome is Outcome.FAIL and not verdict.findings
    ]
    return names + [
        finding.predicate
        for verdict in judgement.verdicts
        for finding in verdict.findings
        if finding.outcome is Outcome.FAIL
    ]


def scenario_file(stack: Stack, name: str) -> Path:
    """A scenario of the gate, or one beside the stack's file."""
    return stack.path.parent / name if name.endswith(".yaml") else reference_scenarios() / f"{name}.yaml"


def try_defect(stack: Stack, defect: Defect, *, runs: int, out: Path) -> int:
    """Run the scenarios that must catch a defect; answers how many runs did not."""
    missed = 0
    for scenario_name, by in defect.caught_by.items():
        (scenario, *_) = load_scenarios(scenario_file(stack, scenario_name), vocabulary=vocabulary())
        hits, seen = 0, set()
        setups = [
            Setup(
                each,
                seeded(stack, each, variables=os.environ),
                platform_named(defect.platform),
                out / defect.name,
                defect.environment,
                defect=defect.name,
            )
            for each in repeated([scenario], runs)
        ]
        for attempt in run_suite(setups, retries=0):
            judgement = attempt.finished.judgement
            hits += caught(judgement, by)
            seen.update(others(judgement) or [f"({judgement.outcome})"])
        missed += runs - hits
        print(
            f"{defect.name:<34}{scenario_name:<46}{by:<16}{hits} of {runs}   fails: {', '.join(sorted(seen))}",
            flush=True,
        )
    return missed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--out", type=Path, default=Path("runs/defects"))
    parser.add_argument("--stack", type=Path, default=Path("docker-compose.yml"))
    options = parser.parse_args()
    stack = read_stack(options.stack, variables=os.environ)
    wanted = [defect for defect in stack.defects if not options.only or defect.name in options.only]
    missed = sum(try_defect(stack, defect, runs=options.runs, out=options.out) for defect in wanted)
    print(f"{len(wanted)} defects, {missed} runs that caught nothing")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
