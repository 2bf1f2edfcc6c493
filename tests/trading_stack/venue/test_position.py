from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from trading_stack.instruments import SCALE
from trading_stack.venue.position import Position

LOW, HIGH = 50_000 * SCALE, 52_500 * SCALE

trades = st.lists(
    st.tuples(
        st.integers(min_value=-50, max_value=50).filter(bool),
        st.integers(min_value=90_000, max_value=110_000).map(lambda ticks: ticks * SCALE // 2),
    ),
    max_size=40,
)


def test_opening_books_nothing_and_closing_books_the_difference() -> None:
    position = Position()
    assert position.trade(10_000, LOW) == 0
    assert position.trade(-10_000, HIGH) == 9_523_810
    assert (position.contracts, list(position.lots)) == (0, [])


def test_the_oldest_lot_is_closed_first() -> None:
    position = Position()
    position.trade(5, LOW)
    position.trade(5, HIGH)
    position.trade(-3, HIGH)
    assert list(position.lots) == [(LOW, 2), (HIGH, 5)]


def test_a_trade_through_zero_closes_all_and_opens_the_rest() -> None:
    position = Position()
    position.trade(5, LOW)
    assert position.trade(-8, HIGH) > 0
    assert (position.contracts, list(position.lots)) == (-3, [(HIGH, 3)])


def test_lots_of_one_price_are_one_lot() -> None:
    position = Position()
    position.trade(-5, LOW)
    position.trade(-2, LOW)
    assert list(position.lots) == [(LOW, 7)]


@given(trades)
def test_lots_hold_the_position_and_all_one_way(steps: list[tuple[int, int]]) -> None:
    position = Position()
    for contracts, price in steps:
        position.trade(contracts, price)
        assert sum(size for _, size in position.lots) == abs(position.contracts)
        assert all(size > 0 for _, size in position.lots)
    assert position.contracts == sum(contracts for contracts, _ in steps)


@given(trades)
def test_profit_and_open_value_are_the_cash_flows_up_to_rounding(steps: list[tuple[int, int]]) -> None:
    """Every contract bought is worth q/p, every one sold -q/p; what is not realised is still in the lots."""
    position = Position()
    profit = sum(position.trade(contracts, price) for contracts, price in steps)
    flow = sum((Fraction(10 * q * SCALE * SCALE, p) for q, p in steps), Fraction(0))
    direction = 1 if position.contracts > 0 else -1
    unrealised = sum((Fraction(10 * q * SCALE * SCALE, p) for p, q in position.lots), Fraction(0))
    closings = 2 * len(steps)
    assert abs(profit + direction * unrealised - flow) <= Fraction(closings, 2)
