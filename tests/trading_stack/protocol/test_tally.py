"""The figures of an engine's last second."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trading_stack.engine.tally import Figures, Tally

MS = 1_000_000
SECOND = 1000 * MS


def test_a_second_is_told_once_it_is_whole_and_until_the_next_is() -> None:
    tally = Tally(0)
    tally.answer(10 * MS)
    assert tally.figures(SECOND - 1) == Figures()
    told = tally.figures(SECOND)
    assert (told.requests, told.failed) == (1, 0)
    tally.answer(10 * MS)
    tally.answer(10 * MS)
    assert tally.figures(SECOND + 500 * MS) == told
    assert tally.figures(2 * SECOND).requests == 2


def test_a_second_that_nobody_looked_at_is_forgotten() -> None:
    tally = Tally(0)
    tally.answer(10 * MS)
    assert tally.figures(2 * SECOND) == Figures()


def test_turned_away_and_too_late_are_failures() -> None:
    tally = Tally(0)
    tally.turn_away(3)
    tally.answer(2 * SECOND)
    tally.answer(2 * SECOND + 1)
    told = tally.figures(SECOND)
    assert (told.requests, told.failed) == (5, 4)


def test_who_was_turned_away_has_no_latency() -> None:
    tally = Tally(0)
    tally.turn_away(3)
    assert tally.figures(SECOND) == Figures(3, 3, 0)


def test_one_slow_answer_of_a_hundred_is_no_quantile_and_two_are() -> None:
    for slow, high in ((1, False), (2, True)):
        tally = Tally(0)
        for number in range(100):
            tally.answer(SECOND if number < slow else MS)
        assert (tally.figures(SECOND).latency_ns > 500 * MS) == high


@given(st.lists(st.integers(4000, 10**11), min_size=1, max_size=300))
def test_the_quantile_is_rounded_down_by_less_than_a_fifth(latencies: list[int]) -> None:
    tally = Tally(0)
    for latency_ns in latencies:
        tally.answer(latency_ns)
    exact_ns = sorted(latencies)[-(-len(latencies) * 99 // 100) - 1]
    assert 0.8 * exact_ns - 1000 < tally.figures(SECOND).latency_ns <= exact_ns
