"""leader_changes: how often another primary took over, so that no needless failover goes unnoticed."""

from __future__ import annotations

from typing import ClassVar

from harness.checks.bounds import judge_bound, told_bound
from harness.checks.contract import Check
from harness.history.run import Run
from harness.model.events import Collected
from harness.model.outcome import Outcome
from harness.model.quantities import Bound, Settings
from harness.model.stack_event import Moment
from harness.model.verdicts import Evidence, Figure, Verdict


class LeaderChangesExpectation(Bound[int]):
    """How many changes of the primary there must be."""


class LeaderChanges(Check[LeaderChangesExpectation]):
    """Counts promotions to a new epoch from the start of the load until the end state was read."""

    name: ClassVar[str] = "leader_changes"
    summary: ClassVar[str] = "How many times another primary took over."
    Expectation: ClassVar[type[Settings]] = LeaderChangesExpectation

    def judge(self, run: Run, expectation: LeaderChangesExpectation) -> Verdict:
        bound = told_bound(expectation)
        told = run.leadership
        promoted = told[(told["kind"] == Moment.PRIMARY_PROMOTED).fillna(value=False) & told["epoch"].notna()]
        if promoted.empty:
            return Verdict(
                self.name,
                Outcome.UNKNOWN,
                "the stack told of no primary, not even of a first one",
                bound=bound,
            )
        changes = promoted[promoted["at_ns"].between(run.zero_ns, _until(run))].drop_duplicates("epoch")
        count = len(changes)
        outcome, why = judge_bound(expectation, count)
        evidence = tuple(
            Evidence(f"{row['service']} became the primary of epoch {row['epoch']}", int(row["at_ns"]))
            for row in changes.head(10).to_dict("records")
        )
        figures = (Figure("leader_changes", float(count), "", 1.0, len(promoted)),)
        text = f"{count} change{'' if count == 1 else 's'} of the primary{why}"
        return Verdict(self.name, outcome, text, bound=bound, figures=figures, evidence=evidence)


def _until(run: Run) -> int:
    """When the end state had been read: what the teardown makes services do afterwards is no failover."""
    return max((event.at_ns for event in run.events if isinstance(event, Collected)), default=2**62)
