"""linearizability: whether all that clients saw of registers fits one order in real time, key by key."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from harness.checks.contract import Check
from harness.checks.predicate import Violations
from harness.checks.registers.evidence import of_ops
from harness.checks.registers.history import histories
from harness.checks.registers.judge import why_no_order
from harness.checks.registers.search import Budget, OverBudget
from harness.checks.view import view
from harness.history.run import Run
from harness.model.outcome import Outcome
from harness.model.quantities import Settings
from harness.model.units import counted
from harness.model.verdicts import Figure, Verdict


class LinearizabilityExpectation(Settings):
    """What the search for an order may cost, where values were written more than once; over it, the verdict is UNKNOWN."""

    steps: int = Field(
        default=2_000_000, gt=0, description="How many steps the search for an order may take, over all keys."
    )
    held: int = Field(
        default=1_000_000, gt=0, description="How many states the search may hold in memory at a time."
    )


class Linearizability(Check[LinearizabilityExpectation]):
    """Each operation took effect at one moment between its call and its return (Herlihy and Wing, 1990)."""

    name: ClassVar[str] = "linearizability"
    summary: ClassVar[str] = "Reads, writes and compare-and-sets of each register fit one order in real time."
    Expectation: ClassVar[type[Settings]] = LinearizabilityExpectation
    correctness: ClassVar[bool] = True

    def judge(self, run: Run, expectation: LinearizabilityExpectation) -> Verdict:
        problem = run.cut or run.problem("operations")
        seen = view(run)
        by_key = {} if problem else histories(seen)
        judged = sum(len(ops) for ops in by_key.values())
        if problem or not judged:
            text = problem or "no operation on a register was answered"
            return Verdict(self.name, Outcome.UNKNOWN, text, correctness=True)
        budget = Budget(steps=expectation.steps, held=expectation.held)
        violations, undecided = Violations(), ""
        for key, history in by_key.items():
            try:
                found = why_no_order(history, budget)
            except OverBudget as over:
                undecided = (
                    undecided or f"no order of the operations on {key!r} was found, nor ruled out: {over}"
                )
                continue
            violations.extend(len(found), (of_ops(seen, key, misfit) for misfit in found))
        return self._verdict(judged, len(by_key), violations, undecided)

    def _verdict(self, judged: int, keys: int, violations: Violations, undecided: str) -> Verdict:
        outcome, over = Outcome.PASS, f"{judged:,} operations on {counted(keys, 'register')}"
        text = f"{over} fit one order each"
        if violations.count:
            outcome = Outcome.FAIL
            text = (
                f"{counted(violations.count, 'contradiction')} in {over}: no order explains what clients saw"
            )
        elif undecided:
            outcome = Outcome.UNKNOWN
            text = f"{undecided} than its budget allows; judge it again with more `steps` or `held`"
        return Verdict(
            self.name,
            outcome,
            text,
            correctness=True,
            figures=(Figure("contradictions", float(violations.count), "", 1.0, judged),),
            evidence=tuple(violations.evidence),
        )
