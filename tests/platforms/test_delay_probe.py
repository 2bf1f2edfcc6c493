from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.faults.contract import Direction
from harness.platforms.delay_probe import Curve, Regime, added_ms, judge, shifts

MS = 1_000_000


def curves(delay_ms: float, *, period_ms: int = 2, count: int = 100) -> tuple[Curve, Curve]:
    """A sender of 10 bytes every 10 ms, sampled; the receiver is late by a delay."""
    times = [index * period_ms * MS for index in range(count)]

    def sent_by(at_ns: float) -> int:
        return max(0, int(at_ns // (10 * MS))) * 10

    return Curve(times, [sent_by(at) for at in times]), Curve(
        times, [sent_by(at - delay_ms * MS) for at in times]
    )


@given(st.floats(0, 100))
def test_the_shift_between_the_curves_is_the_delay(delay_ms: float) -> None:
    found = [(received - sent) / MS for sent, received in shifts(*curves(delay_ms))]
    assert found
    assert all(abs(one - delay_ms) <= 2.001 for one in found)


def test_what_was_sent_before_the_first_sample_is_left_out() -> None:
    assert not list(shifts(Curve([0, 1], [50, 50]), Curve([0, 1], [0, 50])))


def test_what_never_arrived_is_left_out() -> None:
    assert not list(shifts(Curve([0, 1], [0, 20]), Curve([0, 1], [0, 10])))


def test_what_arrives_in_one_burst_counts_for_each_sending() -> None:
    times = list(range(6))
    sent, received = Curve(times, [0, 10, 20, 30, 30, 30]), Curve(times, [0, 0, 0, 0, 0, 30])
    assert list(shifts(sent, received)) == [(1, 5), (2, 5), (3, 5)]


def added(steps: list[tuple[int, int]], regimes: list[Regime], baseline_ms: float) -> tuple[Regime, float]:
    """What was added, rounded to a thousandth of a millisecond."""
    found = added_ms(steps, regimes, baseline_ms)
    assert found is not None
    return found[0], round(found[1], 3)


def steps(delay_ms: float, start_ms: int = 0, count: int = 5) -> list[tuple[int, int]]:
    return [((start_ms + index) * MS, round((start_ms + index + delay_ms) * MS)) for index in range(count)]


def test_the_baseline_is_not_counted_as_added() -> None:
    regime = Regime(0, 0, 30, 0)
    assert added(steps(32.5), [regime], 2.5) == (regime, 30)


def test_too_few_arrivals_tell_nothing() -> None:
    assert added_ms(steps(30, count=2), [Regime(0, 0, 30, 0)], 0) is None


def test_what_is_held_when_the_delay_changes_follows_the_new_one() -> None:
    regimes = [Regime(0, 0, 30, 0), Regime(20 * MS, 20 * MS, 0, 0)]
    released = [(sent, 20 * MS) for sent in range(0, 10 * MS, MS)]
    assert added(released, regimes, 0) == (regimes[0], 30)


def test_a_spike_that_did_nothing_convinces_nobody() -> None:
    regimes = [Regime(0, 0, 200, 0), Regime(200 * MS, 200 * MS, 0, 0)]
    regime, measured_ms = added(steps(0, count=50), regimes, 0)
    assert not judge("link", Direction.TO, regime, measured_ms, steps=50).convincing


def test_a_ramp_is_judged_by_the_newest_delay_that_was_measured() -> None:
    regimes = [Regime(0, 0, 10, 0), Regime(100 * MS, 101 * MS, 20, 0)]
    assert added([*steps(10), *steps(20, 110)], regimes, 0) == (regimes[1], 20)


def test_a_spike_that_is_over_is_judged_by_itself() -> None:
    regimes = [Regime(0, 0, 10, 0), Regime(100 * MS, 101 * MS, 0, 0)]
    assert added([*steps(10), *steps(0, 110)], regimes, 0) == (regimes[0], 10)


@pytest.mark.parametrize(
    ("asked", "jitter", "measured", "convincing"),
    [
        (40, 0, 41, True),
        (40, 0, 0.2, False),  # a delay that was never applied
        (40, 0, 20, False),
        (40, 30, 20, True),
        (100, 0, 119, True),
        (2, 0, -0.1, False),
    ],
)
def test_convinces_when_what_was_measured_is_what_was_asked_for(
    asked: float, jitter: float, measured: float, convincing: bool
) -> None:
    fact = judge("a--b", Direction.TO, Regime(0, 0, asked, jitter), measured, steps=9)
    assert (fact.convincing, fact.asked, fact.measured) == (convincing, asked, measured)
