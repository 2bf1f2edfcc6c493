"""A scenario's timeline, played on a clock that only waiting moves."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from scripted import S, World, entry, scenario

from harness.engine.play import TICK_S, Stop


@pytest.fixture
def world() -> World:
    return World()


def test_the_steady_state_is_judged_first_then_faults_in_order_of_their_onset(world: World) -> None:
    stop = world.play(scenario(entry("late", at_s=4), entry("early", at_s=2), ends_s=6))
    assert stop is Stop.ENDED
    assert world.log == ["1 steady state", "2 inject early asked 2", "4 inject late asked 4"]
    assert world.now_s == 6


def test_faults_of_one_instant_strike_in_the_order_of_the_file(world: World) -> None:
    world.play(scenario(entry("one", at_s=1), entry("two", at_s=1)))
    assert world.log == ["1 steady state", "1 inject one asked 1", "1 inject two asked 1"]


def test_a_fault_is_lifted_when_its_time_is_over(world: World) -> None:
    world.play(scenario(entry("outage", at_s=2, lasts_s=3)))
    assert world.log[-2:] == ["2 inject outage asked 2", "5 heal outage asked 5"]


def test_a_fault_without_an_end_is_left_to_whoever_winds_down(world: World) -> None:
    world.play(scenario(entry("outage", at_s=2)))
    assert not [line for line in world.log if "heal" in line]


def test_a_fault_that_waits_for_the_stack_strikes_after_the_first_such_event(world: World) -> None:
    world.inbox.say(2.5, "election_started")
    world.inbox.say(2.6, "election_started")
    world.play(scenario(entry("outage", at_s=2), entry("crash", when=("election_started", 0.005))))
    assert world.log[-1] == "2.505 inject crash asked 2.505"
    assert world.triggers == {"outage": (None, None), "crash": ("election_started", round(2.5 * S))}
    assert len(world.log) == 3


def test_events_from_before_the_load_trigger_nothing(world: World) -> None:
    world.inbox.say(-1.0, "election_started")
    world.play(scenario(entry("crash", when=("election_started", 0))))
    assert world.log == ["1 steady state"]
    assert world.playing.still_waiting() == ("election_started",)


def test_a_fault_that_waits_for_an_event_seen_late_counts_from_when_it_happened(world: World) -> None:
    world.inbox.say(2.0, "election_started")
    world.inbox.script = [(2.02, world.inbox.script[0][1])]
    world.play(scenario(entry("crash", when=("election_started", 0.1))))
    assert world.log[-1] == "2.1 inject crash asked 2.1"


def test_a_fault_whose_moment_has_passed_strikes_at_once_and_keeps_the_time_it_was_asked_for(
    world: World,
) -> None:
    world.inbox.say(2.0, "election_started")
    world.inbox.script = [(2.02, world.inbox.script[0][1])]
    world.play(scenario(entry("crash", when=("election_started", 0.005))))
    assert world.log[-1] == "2.02 inject crash asked 2.005"


@pytest.mark.parametrize(("moment", "struck"), [("outage.onset", "2.5"), ("outage.end", "4.5")])
def test_faults_wait_for_the_onset_and_for_the_end_of_others(world: World, moment: str, struck: str) -> None:
    world.play(scenario(entry("outage", at_s=2, lasts_s=2), entry("second", when=(moment, 0.5))))
    assert f"{struck} inject second asked {struck}" in world.log


def test_a_steady_state_that_fails_stops_before_any_fault(world: World) -> None:
    world.steady = False
    assert world.play(scenario(entry("outage", at_s=1))) is Stop.UNSTEADY
    assert world.log == ["1 steady state"]


def test_moves_are_taken_while_the_fault_is_in_force_and_none_after_its_end(world: World) -> None:
    world.moves["ramp"] = (0.5, 1.0, 1.5)
    world.play(scenario(entry("ramp", at_s=2, lasts_s=1.2)))
    assert world.log[1:] == [
        "2 inject ramp asked 2",
        "2.5 move ramp +0.5",
        "3 move ramp +1",
        "3.2 heal ramp asked 3.2",
    ]


def test_the_world_is_looked_at_every_50_ms_and_may_stop_the_play(world: World) -> None:
    world.tick = lambda: Stop.GUARD if world.now_s >= 3 else None
    assert world.play(scenario(entry("outage", at_s=2, lasts_s=5))) is Stop.GUARD
    assert world.now_s == 3
    steps = [round(later - sooner, 6) for sooner, later in zip(world.ticks, world.ticks[1:], strict=False)]
    assert set(steps) == {TICK_S}


def test_being_woken_looks_at_once_at_what_is_due_and_costs_no_event(world: World) -> None:
    world.inbox.wake(1.51)
    world.inbox.say(1.52, "election_started")
    world.play(scenario(entry("crash", when=("election_started", 0))))
    assert world.log[-1] == "1.52 inject crash asked 1.52"


@pytest.mark.parametrize("asked_at_s", [1.86, 1.96, 1.99, 1.9999])
def test_nothing_is_broken_after_somebody_asked_to_stop(world: World, asked_at_s: float) -> None:
    world.inbox.wake(asked_at_s)
    world.tick = lambda: Stop.INTERRUPTED if world.now_s >= asked_at_s else None
    assert world.play(scenario(entry("outage", at_s=2), ends_s=6)) is Stop.INTERRUPTED
    assert world.log == ["1 steady state"]
    assert world.now_s == asked_at_s


def test_a_fault_is_prepared_a_little_before_its_moment_where_that_is_known(world: World) -> None:
    world.prepares = True
    world.inbox.say(4, "election_started")
    world.play(
        scenario(
            entry("timed", at_s=2),
            entry("later", when=("election_started", 0.5)),
            entry("soon", when=("election_started", 0.01)),
        )
    )
    assert world.log[1:] == [
        "1.9 prepare timed",
        "2 inject timed asked 2",
        "4.01 inject soon asked 4.01",
        "4.4 prepare later",
        "4.5 inject later asked 4.5",
    ]


def test_no_tick_comes_just_before_something_is_due(world: World) -> None:
    world.play(scenario(entry("outage", at_s=2.01)))
    assert not [at_s for at_s in world.ticks if 1.99 < at_s < 2.01]
    assert max(later - earlier for earlier, later in pairwise(world.ticks)) < TICK_S + 0.021
