"""When the machine was not the run's own."""

from __future__ import annotations

import pytest
from histories import contended, stall, with_events

from harness.checks.examples.history import MS
from harness.checks.examples.sound import sound
from harness.checks.strain import CONTENDED_NS, Stretch, contentions, stalls, strained
from harness.engine.contention import PERIOD_S


def test_an_event_speaks_of_the_time_between_two_readings() -> None:
    assert CONTENDED_NS == PERIOD_S * 1e9


def test_only_what_weighs_is_strain() -> None:
    run = with_events(
        sound().run(), stall(1_000, 60), stall(1_100, 40), contended(2_500, 0.29), contended(4_500, 0.5)
    )
    assert stalls(run) == (Stretch(940 * MS, 1_000 * MS),)
    assert contentions(run) == {Stretch(2_500 * MS, 4_500 * MS): 0.5}


@pytest.mark.parametrize(
    ("since_ms", "until_ms", "expected"),
    [(0, 939, False), (0, 940, True), (970, 980, True), (1_000, 1_010, True), (1_001, 4_000, False)],
)
def test_a_stretch_is_strained_where_both_meet(since_ms: int, until_ms: int, expected: bool) -> None:
    run = with_events(sound().run(), stall(1_000, 60))
    assert strained(run, since_ms * MS, until_ms * MS) is expected
