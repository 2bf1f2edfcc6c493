"""order_integrity: predicates O1 to O16 over the journal of orders, each reported by name."""

from __future__ import annotations

from typing import ClassVar, Final

from pydantic import Field, field_validator

from harness.checks.contract import Check
from harness.checks.integrity.o01_idempotence import O1
from harness.checks.integrity.o02_nothing_lost import O2
from harness.checks.integrity.o03_no_invention import O3
from harness.checks.integrity.o04_exactly_once import O4
from harness.checks.integrity.o05_conservation import O5
from harness.checks.integrity.o06_no_overfill import O6
from harness.checks.integrity.o07_double_entry import O7
from harness.checks.integrity.o08_state_machine import O8
from harness.checks.integrity.o10_log_prefix import O10
from harness.checks.integrity.o12_single_writer import O12
from harness.checks.integrity.o13_priority import O13
from harness.checks.integrity.o14_limits import O14
from harness.checks.integrity.o15_unknown_outcomes import O15
from harness.checks.integrity.o16_drop_copy import O16
from harness.checks.predicate import Predicate, judge_predicate, summarise, worst_of
from harness.history.run import Run
from harness.model.quantities import Settings
from harness.model.verdicts import Verdict

PREDICATES: Final[dict[str, Predicate]] = {
    predicate.name: predicate for predicate in (O1, O2, O3, O4, O5, O6, O7, O8, O10, O12, O13, O14, O15, O16)
}


def _known(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in PREDICATES:
            raise ValueError(f"no predicate {name!r}; there are {', '.join(PREDICATES)}")
    return names


class OrderIntegrityExpectation(Settings):
    """What must hold of orders: all predicates, unless some are named."""

    predicates: tuple[str, ...] = Field(
        default=tuple(PREDICATES),
        min_length=1,
        description="Which predicates to judge.",
        examples=[["O2", "O12"]],
    )

    _predicates_exist = field_validator("predicates")(_known)


class OrderIntegrity(Check[OrderIntegrityExpectation]):
    """Judges each predicate by itself; the worst of those that the stack does not waive decides."""

    name: ClassVar[str] = "order_integrity"
    summary: ClassVar[str] = (
        "No acknowledged order is lost, invented, repeated, overfilled or overtaken (O1 to O16)."
    )
    Expectation: ClassVar[type[Settings]] = OrderIntegrityExpectation
    correctness: ClassVar[bool] = True
    predicates: ClassVar[tuple[str, ...]] = tuple(PREDICATES)

    def judge(self, run: Run, expectation: OrderIntegrityExpectation) -> Verdict:
        findings = tuple(judge_predicate(run, PREDICATES[name]) for name in expectation.predicates)
        return Verdict(
            check=self.name,
            outcome=worst_of(findings),
            summary=summarise(findings),
            correctness=True,
            findings=findings,
        )
