from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from trading_stack.instruments import INSTRUMENTS, SCALE
from trading_stack.venue.money import inverse_profit, premium, round_half_even, taker_fee

prices = st.integers(min_value=1, max_value=200_000).map(lambda ticks: ticks * SCALE // 2)
contracts = st.integers(min_value=-(10**6), max_value=10**6)


@given(st.integers(), st.integers(min_value=1, max_value=10**30))
def test_rounding_is_pythons_own_for_fractions(numerator: int, denominator: int) -> None:
    assert round_half_even(numerator, denominator) == round(Fraction(numerator, denominator))


@given(contracts, prices, prices)
def test_profit_is_the_formula_rounded_once(q: int, opened: int, closed: int) -> None:
    exact = Fraction(10 * q) * (Fraction(SCALE, opened) - Fraction(SCALE, closed)) * SCALE
    assert inverse_profit(q, opened, closed) == round(exact)


@given(contracts, prices, prices)
def test_a_short_loses_what_a_long_gains(q: int, opened: int, closed: int) -> None:
    assert inverse_profit(-q, opened, closed) == -inverse_profit(q, opened, closed)


def test_the_worked_example_of_the_domain_notes() -> None:
    # 100,000 USD long from 50,000 to 52,500 gains 0.0952380952 coin
    assert inverse_profit(10_000, 50_000 * SCALE, 52_500 * SCALE) == 9_523_810


def test_a_premium_is_a_tenth_of_the_price_a_contract() -> None:
    assert premium(3, 50_000) == 15_000
    assert premium(-3, 50_000) == -15_000


def test_takers_pay_half_a_basis_point_of_the_value() -> None:
    # 1,000 contracts are 10,000 USD, 0.2 coin at 50,000
    assert taker_fee(INSTRUMENTS["BTC-PERPETUAL"], 1_000, 50_000 * SCALE) == 1_000


def test_an_options_fee_is_capped_by_its_premium() -> None:
    call = INSTRUMENTS["BTC-30JAN26-50000-C"]
    assert taker_fee(call, 10, 5_000_000) == 5_000
    assert taker_fee(call, 10, 50_000) == 5_000
    assert taker_fee(call, 10, 3_000) == 375
