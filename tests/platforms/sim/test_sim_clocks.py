"""Clocks that run wrong: at the rate that was asked for, without a jump, and known for what they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sim_toy import MS, ToyWorld

from harness.platforms.sim.agenda import Agenda
from harness.platforms.sim.clock import DriftingClock
from harness.platforms.sim.hands import SimHosts

PPM = st.integers(-500_000, 500_000)
SPANS = st.lists(st.tuples(st.integers(0, 10**10), PPM), max_size=6)


@given(SPANS, st.integers(0, 10**10))
def test_it_never_runs_backwards_and_tells_when_it_showed_what(
    spans: list[tuple[int, int]], delay_ns: int
) -> None:
    agenda = Agenda()
    clock = DriftingClock(agenda, ppm=50)
    shown = [(clock.now_ns(), agenda.now_ns)]
    for passed_ns, ppm in spans:
        agenda.run_until(agenda.now_ns + passed_ns)
        clock.gain(1, ppm)
        shown.append((clock.now_ns(), agenda.now_ns))
    assert [shown_ns for shown_ns, _ in shown] == sorted(shown_ns for shown_ns, _ in shown)
    assert all(abs(clock.true_ns(shown_ns) - true_ns) <= 3 for shown_ns, true_ns in shown)
    before_ns = clock.now_ns()
    waited_ns = clock.until_it_shows_ns(delay_ns)
    agenda.run_until(agenda.now_ns + waited_ns)
    assert clock.now_ns() - before_ns >= delay_ns
    if waited_ns:
        assert clock.now_ns() - before_ns <= delay_ns + 2


def test_changes_add_up_and_end_each_for_itself() -> None:
    agenda = Agenda()
    clock = DriftingClock(agenda, ppm=0)
    clock.gain(1, 1000)
    clock.gain(2, 500)
    agenda.run_until(1_000 * MS)
    assert clock.now_ns() == 1_001_500_000
    clock.calm(1)
    clock.calm(1)
    agenda.run_until(2_000 * MS)
    clock.calm(2)
    agenda.run_until(3_000 * MS)
    assert clock.now_ns() == 3_002_000_000


def test_a_drift_is_read_back_at_the_victim_and_its_timers_follow_it() -> None:
    toy = ToyWorld()
    drift = SimHosts(toy.world).drift_clocks(["counter"], gains_ms=100)
    drift.apply()
    said = toy.counter.next
    toy.run(1_000)
    assert 108 <= toy.counter.next - said <= 112  # one every ten milliseconds, by its own clock
    (fact,) = drift.facts()
    assert fact.convincing
    drift.revert()
    drift.revert()
    said = toy.counter.next
    toy.run(1_000)
    assert 98 <= toy.counter.next - said <= 102
    assert drift.facts() == [fact]


def test_a_drift_that_never_came_about_is_not_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    toy = ToyWorld()
    clock = toy.world.machines["counter"].clock
    monkeypatch.setattr(clock, "gain", lambda number, ppm: None)  # whatever was asked for
    drift = SimHosts(toy.world).drift_clocks(["counter"], gains_ms=-20)
    drift.apply()
    assert drift.facts() == []
    toy.run(1_000)
    assert [fact.convincing for fact in drift.facts()] == [False]
