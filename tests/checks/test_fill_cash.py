"""The coin of fills, by figures that were worked out by hand and by fractions."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checks.examples.history import INSTRUMENT
from harness.checks.examples.sound import sound
from harness.checks.integrity.fill_cash import SCALE, Leg, cash_of, half_even
from harness.checks.order_integrity import PREDICATES
from harness.checks.predicate import judge_predicate
from harness.model.outcome import Outcome
from harness.model.verdicts import Finding

USD = SCALE
TEN_USD = 10 * USD


def inverse(quantity: int, price_usd: int, *, position: int = 1) -> Leg:
    return Leg(position, quantity, price_usd * USD, TEN_USD, option=False)


def test_the_worked_profit_of_the_domain() -> None:
    """Long 100,000 USD from 50,000 to 52,500: 0.0952380952 coin."""
    assert cash_of([inverse(10_000, 50_000), inverse(-10_000, 52_500)]) == [0, 9_523_810]


def test_a_short_gains_when_the_price_falls() -> None:
    assert cash_of([inverse(-10_000, 52_500), inverse(10_000, 50_000)]) == [0, 9_523_810]


def test_the_oldest_lots_close_first_and_each_is_rounded() -> None:
    legs = [inverse(1, 30_000), inverse(1, 31_000), inverse(-2, 32_000)]
    apart = [half_even(SCALE * TEN_USD * (32_000 - p) * USD, p * 32_000 * USD**2) for p in (30_000, 31_000)]
    assert cash_of(legs) == [0, 0, sum(apart)] == [0, 0, 2_083 + 1_008]


def test_fills_of_one_price_are_one_lot() -> None:
    """Two contracts gain 2,080.5 and a bit; apart, each would be rounded down."""
    assert cash_of([inverse(1, 31_000), inverse(1, 31_000), inverse(-2, 32_033)]) == [0, 0, 2_081]
    assert 2 * cash_of([inverse(1, 31_000), inverse(-1, 32_033)])[1] == 2_080


def test_a_fill_that_turns_a_position_around_opens_the_rest() -> None:
    legs = [inverse(2, 50_000), inverse(-5, 50_000), inverse(3, 40_000)]
    assert cash_of(legs) == [0, 0, half_even(3 * SCALE * TEN_USD * 10_000 * USD, 50_000 * 40_000 * USD**2)]


def test_positions_are_kept_apart() -> None:
    assert cash_of([inverse(1, 50_000), inverse(-1, 60_000, position=2)]) == [0, 0]


def test_an_option_is_paid_in_full() -> None:
    """Three contracts of 0.1 coin at 0.0305 coin, bought and sold: 0.00915; halves go to the even side."""
    legs = [Leg(1, quantity, 3_050_000, SCALE // 10, option=True) for quantity in (3, -3)]
    assert cash_of(legs) == [-915_000, 915_000]
    assert cash_of([Leg(1, -1, price, SCALE // 10, option=True) for price in (5, 15, 25)]) == [0, 2, 2]


@given(st.integers(-(10**40), 10**40), st.integers(1, 10**30))
def test_rounding_is_that_of_fractions(numerator: int, denominator: int) -> None:
    assert half_even(numerator, denominator) == round(Fraction(numerator, denominator))


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(1, 99)), max_size=30))
def test_what_is_booked_is_within_half_a_unit_a_lot_of_the_exact_profit(
    trades: list[tuple[int, int]],
) -> None:
    """Valued at the last price, all profit of a position is the sum of q V (1/p - 1/last) over its fills, exactly."""
    legs = [inverse(quantity, price) for quantity, price in trades if quantity]
    if legs:
        flat = inverse(-sum(leg.quantity for leg in legs), 50)
        booked = sum(cash_of([*legs, flat] if flat.quantity else legs))
        exact = sum(
            Fraction(leg.quantity * SCALE * leg.value, leg.price)
            - Fraction(leg.quantity * SCALE * leg.value, 50 * USD)
            for leg in legs
        )
        assert abs(booked - exact) <= len(legs) + 1


def judged(**terms: object) -> Finding:
    history = sound()
    history.change("instruments", {"instrument": INSTRUMENT}, **terms)
    return judge_predicate(history.run(), PREDICATES["O7"])


@pytest.mark.parametrize(
    ("terms", "why"),
    [
        ({"contract_value": None}, "of some instruments no contract value is told"),
        ({"kind": "swap"}, "of some instruments no contract value is told"),
    ],
)
def test_what_cannot_be_computed_is_said(terms: dict[str, object], why: str) -> None:
    finding = judged(**terms)
    assert finding.outcome is Outcome.PASS
    assert f"the cash of 48 fills was not computed again: {why}" in finding.summary


def test_a_run_without_terms_says_that_no_cash_was_computed() -> None:
    history = sound()
    history.absent.add("instruments")
    summary = judge_predicate(history.run(), PREDICATES["O7"]).summary
    assert "the cash of 48 fills was not computed again: there is no table instruments" in summary


def test_a_shortened_log_hides_no_fill_when_those_that_are_there_make_the_positions() -> None:
    history = sound()
    for replica in history.replicas.values():
        replica.state["first_index"] = 6
    assert "not computed" not in judge_predicate(history.run(), PREDICATES["O7"]).summary
    for step in (1, 2, 3, 4):
        history.drop("executions", index=5, ordinal=step)
    finding = judge_predicate(history.run(), PREDICATES["O7"])
    assert finding.outcome is Outcome.PASS
    assert "the cash of 24 fills was not computed again: the first of them are not there" in finding.summary


def test_a_replica_that_books_otherwise_is_found_beside_those_that_agree() -> None:
    history = sound()
    for row in history.replicas["charlie"].tables["executions"]:
        if row["exec_id"] == "11-3":
            row["cash"] += 1
    finding = judge_predicate(history.run(), PREDICATES["O7"])
    assert finding.outcome is Outcome.FAIL
    assert "books 10102 for a fill that pays 10101 (1e-8 coin)" in finding.evidence[0].text
    assert all("engine-charlie" in evidence.rows[0] for evidence in finding.evidence)


def test_a_fill_at_an_absurd_price_is_a_violation_and_no_crash() -> None:
    history = sound()
    history.change("executions", {"type": "filled", "last_price": 99}, last_price=1)
    history.change("instruments", {"instrument": INSTRUMENT}, contract_value=10**12)
    assert judge_predicate(history.run(), PREDICATES["O7"]).outcome is Outcome.FAIL
