"""The index of five constituents, and what one or two bad ones may do to it: little."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trading_stack.market.robust_index import mean_index, robust_index

prices = st.lists(st.integers(4_900_000_000_000, 5_100_000_000_000), min_size=5, max_size=5)
bad = st.integers(-(10**15), 10**16)


@given(prices)
def test_within_the_second_lowest_and_second_highest(five: list[int]) -> None:
    index = robust_index(five)
    assert index is not None
    assert sorted(five)[1] <= index <= sorted(five)[3]


@given(prices, bad)
def test_one_bad_constituent_leaves_it_among_the_good(five: list[int], wrong: int) -> None:
    told = [wrong, *five[1:]]
    index = robust_index(told)
    assert index is not None
    assert min(five[1:]) <= index <= max(five[1:])
    ranked = sorted(told)
    assert ranked[1] <= index <= ranked[3]


@given(prices, bad, bad)
def test_two_bad_ones_leave_it_among_the_good(five: list[int], one: int, two: int) -> None:
    index = robust_index([one, two, *five[2:]])
    assert index is not None
    assert min(five[2:]) <= index <= max(five[2:])


@given(prices)
def test_zero_is_no_price(five: list[int]) -> None:
    assert robust_index([0, *five[1:]]) == robust_index(five[1:])


@given(prices, st.permutations(range(5)))
def test_the_order_does_not_matter(five: list[int], order: list[int]) -> None:
    assert robust_index([five[place] for place in order]) == robust_index(five)


def test_two_constituents_make_no_index() -> None:
    assert robust_index([5, 6, 0, -1]) is None
    assert mean_index([5, 6]) is None


def test_the_planted_mean_is_moved_by_one_bad_constituent() -> None:
    assert mean_index([0, 100, 100, 100, 100]) == 80
    assert robust_index([0, 100, 100, 100, 100]) == 100
