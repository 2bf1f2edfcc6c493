"""Sequence numbers of one channel."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trading_stack.market.line import Line


def test_a_gap_is_told_once() -> None:
    line = Line()
    assert line.hear(10) is None
    assert line.hear(11) is None
    assert line.hear(15) == (12, 14)
    assert line.hear(16) is None
    assert line.gaps == 1


def test_recovery_closes_the_gap() -> None:
    line = Line()
    for sequence in (10, 11, 15, 13, 12, 14):
        line.hear(sequence)
    assert line.resume_after() == 15


def test_a_new_connection_resumes_before_the_gap() -> None:
    line = Line()
    for sequence in (10, 11, 15):
        line.hear(sequence)
    assert line.resume_after() == 11


def test_nothing_was_heard_yet() -> None:
    assert Line().resume_after() == -1


def test_what_is_too_old_is_given_up() -> None:
    line = Line(keep=100)
    line.hear(10)
    assert line.hear(1000) == (900, 999)
    assert line.resume_after() == 900


def test_a_long_gap_is_not_remembered_for_ever() -> None:
    line = Line(keep=5)
    for sequence in range(0, 200, 2):
        line.hear(sequence)
    assert len(line._heard) <= 10
    assert line.resume_after() == 194


@given(st.lists(st.integers(0, 400), min_size=1, max_size=600))
def test_the_resuming_point_is_contiguous(heard: list[int]) -> None:
    line = Line(keep=50)
    for sequence in heard:
        line.hear(sequence)
    after = line.resume_after()
    assert line.newest == max(heard)
    assert line.newest - 50 <= after <= line.newest or after >= min(heard)
    assert after + 1 not in heard or after + 1 <= line.newest - 50
