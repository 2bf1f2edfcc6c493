"""The measurement of handovers: one that was given up is no success, and no smaller sample."""

from __future__ import annotations

import handover
import pytest

from harness.model.outcome import Outcome
from harness.model.shares import share_at_most

QUIET = handover.Seen(gap_ms=10, latency_ms=12, errors=0, refused=0)
REFUSING = QUIET._replace(refused=3)


def order(*, done: bool = True) -> handover.Order:
    return handover.Order("alpha", "bravo", 0, 1, done, "" if done else "no majority")


def came_true(during: handover.Seen = QUIET, before: handover.Seen = QUIET) -> handover.Measured:
    return handover.Measured(order(), 10.0, during, before, {})


def test_handovers_that_all_came_true_are_well() -> None:
    assert handover.against([order()] * 20, [came_true()] * 20, Outcome.PASS, 0) == []


@pytest.mark.parametrize(
    ("done", "found", "outcome", "unanswered", "told"),
    [
        (1, [came_true()], Outcome.PASS, 0, "19 of 20 handovers were given up"),
        (19, [came_true()] * 19, Outcome.PASS, 0, "1 of 20 handovers were given up"),
        (
            20,
            [came_true(REFUSING)] * 20,
            Outcome.PASS,
            0,
            "60 new orders were refused in handovers, 0 before",
        ),
        (20, [came_true()] * 20, Outcome.PASS, 2, "2 operations had no answer"),
        (20, [came_true()] * 20, Outcome.UNKNOWN, 0, "the run is UNKNOWN"),
    ],
)
def test_what_speaks_against_them_is_told(
    done: int, found: list[handover.Measured], outcome: Outcome, unanswered: int, told: str
) -> None:
    orders = [order()] * done + [order(done=False)] * (20 - done)
    (reason,) = handover.against(orders, found, outcome, unanswered)
    assert reason.startswith(told)


def test_as_many_orders_refused_before_them_speak_against_none() -> None:
    assert handover.against([order()], [came_true(REFUSING, REFUSING)], Outcome.PASS, 0) == []


def test_without_a_handover_nothing_is_well() -> None:
    assert handover.against([], [], Outcome.PASS, 0) == ["no handover was ordered"]


def test_those_given_up_kept_no_bound() -> None:
    text = handover.bound_text([came_true()], "goal", lambda each: each.goal_ms, ordered=20)
    assert text == "goal: the gap in 1 of 20, the latency in 1 of 20"
    assert handover.worse_at_most(20, 1) == share_at_most(19, 20)
    assert handover.worse_at_most(20, 20) == share_at_most(0, 20)
