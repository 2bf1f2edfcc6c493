"""split_brain: never two primaries that commit."""

from __future__ import annotations

from typing import ClassVar, Final

from harness.checks.contract import Check
from harness.checks.integrity.commits import (
    one_leader,
    overlapping,
    replaced_commits,
    standing_epochs,
    told_commits,
)
from harness.checks.integrity.readings import readings
from harness.checks.predicate import Found, Predicate, Violations, judge_predicate
from harness.checks.view import View
from harness.history.run import Run
from harness.model.outcome import Outcome
from harness.model.quantities import Settings
from harness.model.verdicts import Figure, Verdict


class SplitBrainExpectation(Settings):
    """There is nothing to set: it must never happen."""


def _judge(view: View) -> Found:
    commits = told_commits(view.run)
    if commits.empty:
        return Found(0, unknown="the stack does not tell what its leaders commit (entries_committed)")
    violations = Violations()
    every = readings(view)
    source = max(every, key=lambda reading: (reading.commit_index, reading.read_ns))
    epochs = standing_epochs(view, every, source)
    one_leader(view.run.leadership, violations)
    older = replaced_commits(commits, view.run.leadership, source, epochs, violations)
    overlapping(commits, epochs, violations)
    judged = len(commits) - older.count
    return violations.found(judged, unknown=older.unknown(judged), note=older.note())


_PREDICATE: Final = Predicate(
    "split_brain",
    "two primaries",
    "No two services commit in one epoch, and none commits what a later primary's entries replace.",
    ("entries", "replicas"),
    _judge,
)


class SplitBrain(Check[SplitBrainExpectation]):
    """Two primaries may believe that they lead; two that commit are the worst that a failover can do."""

    name: ClassVar[str] = "split_brain"
    summary: ClassVar[str] = "Never two primaries that commit."
    Expectation: ClassVar[type[Settings]] = SplitBrainExpectation
    correctness: ClassVar[bool] = True

    def judge(self, run: Run, expectation: SplitBrainExpectation) -> Verdict:
        finding = judge_predicate(run, _PREDICATE)
        outcome = Outcome.UNKNOWN if finding.waived is not None else finding.outcome
        figures = (
            (Figure("commits", float(finding.judged), "", samples=finding.judged),) if finding.judged else ()
        )
        return Verdict(
            check=self.name,
            outcome=outcome,
            summary=finding.summary,
            correctness=True,
            bound="exactly 0",
            figures=figures,
            evidence=finding.evidence,
        )
