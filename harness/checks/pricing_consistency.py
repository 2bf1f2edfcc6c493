"""pricing_consistency: predicates P1, P2, P3, P10 and P11 over published prices, each reported by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import ClassVar, Final

from pydantic import Field, field_validator

from harness.checks.contract import Check
from harness.checks.predicate import Predicate, judge_predicate, summarise, worst_of
from harness.checks.pricing.p01_replicas_agree import P1
from harness.checks.pricing.p01_replicas_agree import judge as replicas_agree
from harness.checks.pricing.p02_parity import P2
from harness.checks.pricing.p03_bounds import P3
from harness.checks.pricing.p10_no_jump import P10
from harness.checks.pricing.p11_freshness import P11
from harness.checks.pricing.p11_freshness import judge as fresh
from harness.checks.strain import contentions, stalls
from harness.history.run import Run
from harness.model.outcome import Outcome
from harness.model.quantities import Milliseconds, Settings
from harness.model.verdicts import Figure, Verdict

PREDICATES: Final[dict[str, Predicate]] = {predicate.name: predicate for predicate in (P1, P2, P3, P10, P11)}


def _known(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in PREDICATES:
            raise ValueError(f"no predicate {name!r}; there are {', '.join(PREDICATES)}")
    return names


class PricingExpectation(Settings):
    """What must hold of prices, and how far they may be off."""

    max_scaled_error: float = Field(
        default=0.0,
        ge=0,
        description="Greatest difference between providers on the same inputs: of max(1, K/F) coin for options, as a share "
        "of the price otherwise. 0 means bit-equal.",
        examples=[0],
    )
    max_staleness_ms: Milliseconds = Field(
        default=1000.0,
        alias="max_staleness",
        description="Greatest age of the index that a price may rest on.",
        examples=["500ms"],
    )
    max_surface_staleness_ms: Milliseconds = Field(
        default=10_000.0,
        alias="max_surface_staleness",
        description="Greatest age of the volatility surface that an option's price may rest on.",
        examples=["10s"],
    )
    predicates: tuple[str, ...] = Field(
        default=tuple(PREDICATES),
        min_length=1,
        description="Which predicates to judge.",
        examples=[["P1", "P10"]],
    )

    _predicates_exist = field_validator("predicates")(_known)


class PricingConsistency(Check[PricingExpectation]):
    """Judges each predicate by itself; the worst of those that the stack does not waive decides."""

    name: ClassVar[str] = "pricing_consistency"
    summary: ClassVar[str] = (
        "Providers agree on prices, which are sound, fresh and do not jump (P1 to P3, P10, P11)."
    )
    Expectation: ClassVar[type[Settings]] = PricingExpectation
    correctness: ClassVar[bool] = True
    predicates: ClassVar[tuple[str, ...]] = tuple(PREDICATES)

    def judge(self, run: Run, expectation: PricingExpectation) -> Verdict:
        chosen = _with_limits(expectation)
        findings = tuple(judge_predicate(run, chosen[name]) for name in expectation.predicates)
        outcome = worst_of(findings)
        unknown = {finding.predicate for finding in findings if finding.outcome is Outcome.UNKNOWN}
        return Verdict(
            check=self.name,
            outcome=outcome,
            summary=summarise(findings),
            correctness=True,
            figures=_figures(run),
            findings=findings,
            environment_caused=unknown == {"P11"} and bool(stalls(run) or contentions(run)),
        )


def _with_limits(expectation: PricingExpectation) -> dict[str, Predicate]:
    judges: dict[str, Callable[..., object]] = {
        "P1": partial(replicas_agree, max_scaled_error=expectation.max_scaled_error),
        "P11": partial(
            fresh,
            index_limit_ns=round(expectation.max_staleness_ms * 1e6),
            surface_limit_ns=round(expectation.max_surface_staleness_ms * 1e6),
        ),
    }
    return {
        name: replace(predicate, judge=judges[name]) if name in judges else predicate  # type: ignore[arg-type]
        for name, predicate in PREDICATES.items()
    }


def _figures(run: Run) -> tuple[Figure, ...]:
    quotes = run.quotes
    if quotes.empty:
        return ()
    ages = quotes["index_age_ns"]
    return (
        Figure("quotes", float(len(quotes)), "", samples=len(quotes)),
        Figure("oldest_index", round(float(ages.max()) / 1e6, 3), "ms", samples=len(quotes)),
    )
