"""The schedule of a run, without a clock."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.engine.leader import Leader
from harness.engine.timeline import Timeline
from harness.model.stack_event import StackEvent


def names(timeline: Timeline[str], now_ns: int) -> list[str]:
    return [due.what for due in timeline.take_due(now_ns)]


@given(st.lists(st.integers(0, 1000), max_size=40), st.lists(st.integers(0, 1000), max_size=10))
def test_everything_is_taken_once_and_in_order(times: list[int], looks: list[int]) -> None:
    timeline: Timeline[int] = Timeline()
    for number, at in enumerate(times):
        timeline.add(at, number)
    taken = [(due.at_ns, due.what) for now in [*sorted(looks), 1000] for due in timeline.take_due(now)]
    assert taken == sorted((at, number) for number, at in enumerate(times))
    assert timeline.next_due_ns() is None


def test_a_step_that_waits_becomes_due_after_its_event_and_only_once() -> None:
    timeline: Timeline[str] = Timeline()
    timeline.wait_for("election_started", 5, "crash")
    assert timeline.still_waiting() == ("election_started",)
    assert not timeline.happened("primary_promoted", 90)
    assert timeline.happened("election_started", 100)
    assert not timeline.happened("election_started", 101)
    assert timeline.next_due_ns() == 105
    due = next(iter(timeline.take_due(105)))
    assert (due.what, due.trigger, due.trigger_ns) == ("crash", "election_started", 100)


def test_unwanted_steps_are_dropped() -> None:
    timeline: Timeline[str] = Timeline()
    timeline.add(1, "keep")
    timeline.add(2, "drop")
    timeline.wait_for("x", 0, "drop")
    timeline.drop(lambda what: what == "drop")
    assert names(timeline, 10) == ["keep"]
    assert timeline.still_waiting() == ()


def told(kind: str, service: str, epoch: int) -> StackEvent:
    return StackEvent(service=service, kind=kind, mono_ns=0, epoch=epoch)


def test_the_leader_is_the_newest_that_was_promoted() -> None:
    leader = Leader()
    for event in (
        told("primary_promoted", "engine-alpha", 1),
        told("election_started", "engine-bravo", 2),
        told("primary_suspected", "sentinel-bravo", 1),
        told("primary_promoted", "engine-bravo", 2),
        told("primary_promoted", "engine-alpha", 1),
    ):
        leader = leader.after(event)
    assert leader == Leader("engine-bravo", 2, "engine-bravo")
