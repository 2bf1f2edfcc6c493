"""Lost packets in virtual time: nothing is lost to a service, and nothing overtakes what has to be sent again."""

from __future__ import annotations

from itertools import pairwise

import pytest
from sim_toy import MS, ToyWorld

from harness.faults.contract import Direction
from harness.platforms.sim.agenda import Agenda
from harness.platforms.sim.hands import SimHands
from harness.platforms.sim.losses import TIMEOUT_NS, Flight, Hole, Loss

ROUND_TRIP_NS = 4 * MS


class Stream:
    """One hole, and what came through it, when."""

    def __init__(self, *again: bool) -> None:
        self.agenda = Agenda()
        self.came: list[tuple[int, object]] = []
        self._again = list(again)
        self.hole = Hole(
            self.agenda,
            self.flight("first"),
            round_trip_ns=ROUND_TRIP_NS,
            lost_again=lambda: self._again.pop(0) if self._again else False,
            fill=lambda flights: self.came.extend((self.agenda.now_ns, each.message) for each in flights),
        )

    def flight(self, message: str) -> Flight:
        now_ns = self.agenda.now_ns
        return Flight(message, now_ns, now_ns + ROUND_TRIP_NS // 2, ())


def test_what_nothing_follows_is_sent_again_after_a_time_out_that_doubles() -> None:
    stream = Stream(True)
    stream.agenda.run_until(2_000 * MS)
    first_ns = TIMEOUT_NS + ROUND_TRIP_NS
    assert stream.came == [(first_ns + 2 * first_ns, "first")]


def test_what_follows_shows_the_loss_within_a_round_trip_and_waits_behind_it() -> None:
    stream = Stream()
    stream.agenda.run_until(10 * MS)
    stream.hole.add(stream.flight("second"), lost=True)  # which nobody sees, either
    stream.agenda.run_until(20 * MS)
    stream.hole.add(stream.flight("third"), lost=False)
    stream.hole.add(stream.flight("fourth"), lost=False)
    stream.agenda.run_until(2_000 * MS)
    assert {at_ns for at_ns, _ in stream.came} == {20 * MS + ROUND_TRIP_NS * 5 // 4}
    assert [message for _, message in stream.came] == ["first", "second", "third", "fourth"]


def test_services_miss_nothing_see_nothing_twice_and_wait() -> None:
    toy = ToyWorld()
    loss = SimHands(toy.world).lose([toy.link], share=0.2)
    loss.apply()
    toy.run(3_000)
    numbers = [number for _, number in toy.counter.came]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > 250
    heard = [at_ns for at_ns, _ in toy.echo.heard]
    assert max(later - sooner for sooner, later in pairwise(heard)) > 12 * MS
    facts = loss.facts()
    assert len(facts) == 2
    assert all(fact.convincing for fact in facts)
    assert facts[0].measured == pytest.approx(20, abs=6)
    loss.revert()
    loss.revert()
    toy.run(500)
    heard = [at_ns for at_ns, _ in toy.echo.heard if at_ns > toy.world.agenda.now_ns - 300 * MS]
    assert max(later - sooner for sooner, later in pairwise(heard)) < 12 * MS


def test_only_the_direction_that_was_asked_for_loses() -> None:
    toy = ToyWorld()
    loss = SimHands(toy.world).lose([toy.link], share=0.5, direction=Direction.TO)
    loss.apply()
    toy.run(500)
    road = toy.world.road(toy.link)
    assert (len(road.to.losses), len(road.back.losses)) == (1, 0)
    (fact,) = loss.facts()
    assert "(to)" in fact.fact


def test_a_handshake_whose_packets_are_lost_takes_seconds() -> None:
    toy = ToyWorld()
    toy.world.stop("echo")
    toy.run(100)
    loss = SimHands(toy.world).lose([toy.link], share=0.9)
    loss.apply()
    toy.world.restart("echo")
    toy.run(2_500)
    assert "no hello in time" in toy.counter.failures


def test_a_loss_that_never_happened_is_not_proved() -> None:
    toy = ToyWorld()
    loss = SimHands(toy.world).lose([toy.link], share=0.2)
    loss.apply()
    for lane in (toy.world.road(toy.link).to, toy.world.road(toy.link).back):
        (inner,) = lane.losses.values()
        inner.share = 0.0
    toy.run(1_000)
    assert [fact.convincing for fact in loss.facts()] == [False, False]


def test_too_little_traffic_proves_nothing() -> None:
    toy = ToyWorld()
    loss = SimHands(toy.world).lose([toy.link], share=0.001)
    loss.apply()
    toy.run(200)
    assert loss.facts() == []
    assert Loss(0.5).sent == 0
