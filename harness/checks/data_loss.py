"""data_loss: how many acknowledged orders are gone (RPO)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from harness.checks.bounds import judge_bound, told_bound
from harness.checks.contract import Check
from harness.checks.grouping import is_member
from harness.checks.integrity.evidence import of_operation
from harness.checks.predicate import MOST_EVIDENCE
from harness.checks.view import Ints, view
from harness.history.run import Run
from harness.model.events import FaultInjected
from harness.model.outcome import Outcome
from harness.model.quantities import Bound, Settings
from harness.model.verdicts import Figure, Verdict


class DataLossExpectation(Bound[int]):
    """How many acknowledged orders may be gone: none, unless said."""

    max: int | None = Field(
        default=0, ge=0, description="The greatest number of acknowledged orders that may be gone."
    )


class DataLoss(Check[DataLossExpectation]):
    """An acknowledged order is gone when the most advanced replica has it neither in its log nor in its books."""

    name: ClassVar[str] = "data_loss"
    summary: ClassVar[str] = "How many acknowledged orders are gone (RPO)."
    Expectation: ClassVar[type[Settings]] = DataLossExpectation
    correctness: ClassVar[bool] = True

    def judge(self, run: Run, expectation: DataLossExpectation) -> Verdict:
        bound = told_bound(expectation)
        problem = run.cut or next(
            (text for name in ("operations", "replicas", "orders") if (text := run.problem(name))), ""
        )
        seen = view(run)
        acked = np.flatnonzero(
            seen.equals("operations", "kind", "new")
            & seen.equals("operations", "outcome", "ok")
            & (seen.order_key("operations") >= 0)
        )
        if problem or not len(acked) or not len(run.replicas):
            text = problem or ("no replica was read" if len(acked) else "no order was acknowledged")
            return Verdict(self.name, Outcome.UNKNOWN, text, correctness=True, bound=bound)
        replicas = run.replicas.sort_values(["commit_index", "read_ns", "node"])
        best = int(seen.reading("replicas")[replicas.index[-1]])
        held = np.concatenate(
            [seen.order_key(table)[seen.reading(table) == best] for table in ("entries", "orders")]
        )
        lost = acked[~is_member(seen.order_key("operations")[acked], held)]
        outcome, why = judge_bound(expectation, len(lost))
        first = [
            of_operation(seen, int(row), "was acknowledged, and is gone") for row in lost[:MOST_EVIDENCE]
        ]
        return Verdict(
            self.name,
            outcome,
            f"{len(lost)} of {len(acked):,} acknowledged orders are gone{why}",
            correctness=True,
            bound=bound,
            figures=(
                Figure("lost_orders", float(len(lost)), "orders", 1.0, len(acked)),
                Figure(
                    "lost_span",
                    _span_ms(run, seen.ints("operations", "completed_ns")[lost]),
                    "ms",
                    samples=len(lost),
                ),
            ),
            evidence=tuple(first),
        )


def _span_ms(run: Run, completed: Ints) -> float:
    """How far before the first fault the first lost order was acknowledged: what the RPO is as a time."""
    onsets = [event.first_effect_ns for event in run.events if isinstance(event, FaultInjected)]
    if not len(completed) or not onsets:
        return 0.0
    return round(max(0, min(onsets) - int(completed.min())) / 1e6, 3)
