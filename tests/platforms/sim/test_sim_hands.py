"""What faults do in virtual time: each is felt, proved by its victims, and healed."""

from __future__ import annotations

import pytest
from sim_toy import ToyWorld

from harness.faults.contract import Cut, Direction, Established, Fact, NewConnections
from harness.platforms.sim.hands import SimHands


def convincing(facts: list[Fact]) -> bool:
    return bool(facts) and all(fact.convincing for fact in facts)


def test_a_cut_is_silent_and_what_was_stalled_never_drains() -> None:
    toy = ToyWorld()
    toy.run(300)
    cut = SimHands(toy.world).cut([Cut(toy.link)])
    cut.apply()
    heard, said = len(toy.echo.heard), toy.counter.next
    toy.run(1_000)
    assert len(toy.echo.heard) == heard
    assert toy.counter.next > said + 90  # the connection still looks open to who sends
    cut.revert()
    toy.run(50)
    assert toy.counter.downs == ["reset: the stalled connection was severed"]
    numbers = [number for _, number in toy.echo.heard]
    assert not set(numbers) & set(range(said, said + 90))
    assert convincing(cut.facts())
    cut.revert()
    assert toy.counter.ups == 2


@pytest.mark.parametrize(
    ("new", "failure"),
    [
        (NewConnections.DROP, "no hello in time"),
        (NewConnections.STALL, "no hello in time"),
        (NewConnections.REJECT, "refused"),
    ],
)
def test_new_connections_meet_what_the_cut_says(new: NewConnections, failure: str) -> None:
    toy = ToyWorld()
    cut = SimHands(toy.world).cut([Cut(toy.link, established=Established.RESET, new=new)])
    cut.apply()
    toy.run(2_500)
    assert toy.counter.downs == ["reset: connection reset by peer"]
    assert set(toy.counter.failures) == {failure}
    cut.revert()
    toy.run(300)  # an attempt that waits fails when the cut is lifted: nobody waits for its time to be over
    assert toy.counter.ups == 2


def test_one_way_silence_lets_the_other_way_through() -> None:
    toy = ToyWorld()
    cut = SimHands(toy.world).cut([Cut(toy.link, direction=Direction.FROM)])
    cut.apply()
    heard, came = len(toy.echo.heard), len(toy.counter.came)
    toy.run(500)
    assert len(toy.echo.heard) > heard + 40
    assert len(toy.counter.came) == came
    assert convincing(cut.facts())


def test_a_cut_that_changed_nothing_is_not_proved() -> None:
    toy = ToyWorld()
    cut = SimHands(toy.world).cut([Cut(toy.link)])
    cut.apply()
    for lane in (toy.world.road(toy.link).to, toy.world.road(toy.link).back):
        lane.silent_for.clear()  # a fault that is not in force, whatever was asked
    toy.run(300)
    assert not convincing(cut.facts())


def test_a_delay_is_measured_on_the_very_link_and_can_be_moved() -> None:
    toy = ToyWorld()
    delay = SimHands(toy.world).delay([toy.link], latency_ms=50, jitter_ms=5, direction=Direction.TO)
    delay.apply()
    toy.run(1_000)
    (fact,) = delay.facts()
    assert fact.convincing
    assert fact.measured == pytest.approx(50, rel=0.15)
    delay.adjust(latency_ms=0, jitter_ms=0)
    heard = len(toy.echo.heard)
    toy.run(500)
    assert len(toy.echo.heard) > heard + 45
    delay.revert()
    assert not toy.world.road(toy.link).to.added


def test_what_was_under_way_before_a_delay_proves_nothing_about_it() -> None:
    toy = ToyWorld()
    delay = SimHands(toy.world).delay([toy.link], latency_ms=50)
    delay.apply()
    toy.run(20)
    assert toy.world.road(toy.link).to.arrived
    assert delay.facts() == []


def test_a_delay_that_nobody_felt_is_not_proved() -> None:
    toy = ToyWorld()
    delay = SimHands(toy.world).delay([toy.link], latency_ms=50)
    delay.apply()
    toy.world.road(toy.link).to.added.clear()
    toy.world.road(toy.link).back.added.clear()
    toy.run(500)
    assert not convincing(delay.facts())


def test_a_reset_ends_connections_once() -> None:
    toy = ToyWorld()
    reset = SimHands(toy.world).reset([toy.link])
    reset.apply()
    toy.run(500)
    assert toy.counter.downs == ["reset: connection reset by peer"]
    assert toy.echo.downs == ["reset: connection reset by peer"]
    assert toy.counter.ups == 2
    assert convincing(reset.facts())


def test_killing_and_freezing_are_proved_by_what_victims_did_not_do() -> None:
    toy = ToyWorld()
    hands = SimHands(toy.world)
    for change in (hands.kill(["counter"]), hands.pause(["echo"])):
        change.apply()
        toy.run(200)
        assert convincing(change.facts())
        change.revert()
        change.revert()
        toy.run(1_000)
        assert convincing(change.facts())
    assert toy.world.unready() == {}


def test_a_freeze_that_was_undone_behind_its_back_is_not_proved() -> None:
    toy = ToyWorld()
    pause = SimHands(toy.world).pause(["echo"])
    pause.apply()
    toy.world.release("echo")
    toy.run(200)
    assert not convincing(pause.facts())


def test_a_dark_provider_sends_no_reset() -> None:
    toy = ToyWorld()
    hands = SimHands(toy.world)
    cut, kill = hands.cut([Cut(toy.link)]), hands.kill(["echo"])
    cut.apply()
    kill.apply()
    toy.run(2_500)
    assert toy.counter.downs == []
    toy.run(1_000)
    assert toy.counter.downs == ["silent"]
    kill.revert()
    cut.revert()
    toy.run(2_500)
    assert toy.counter.ups == 2


def test_both_ends_of_a_silent_connection_give_it_up_by_themselves() -> None:
    toy = ToyWorld()
    cut = SimHands(toy.world).cut([Cut(toy.link)])
    cut.apply()
    toy.run(3_100)
    assert toy.counter.downs == ["silent"]
    assert toy.echo.downs == ["silent"]


def test_an_end_that_thinks_it_is_open_is_reset_when_a_cut_is_lifted() -> None:
    toy = ToyWorld()
    hands = SimHands(toy.world)
    cut = hands.cut([Cut(toy.link)])
    cut.apply()
    hands.kill(["echo"]).apply()
    toy.run(500)
    assert toy.counter.downs == []
    cut.revert()
    assert toy.counter.downs == ["reset: the stalled connection was severed"]
