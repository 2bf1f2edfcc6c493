"""What a process sent before it was gone: its host still has it, and only a reset takes it back."""

from __future__ import annotations

from sim_toy import Counter, ToyWorld

from harness.platforms.sim.losses import Loss

LAST = "last word"


def say(toy: ToyWorld) -> None:
    assert toy.counter.line is not None
    toy.counter.line.send(LAST)


def heard(toy: ToyWorld) -> bool:
    return any(message == LAST for _, message in toy.echo.heard)


def test_what_was_under_way_at_a_kill_is_heard_as_often_as_not() -> None:
    outcomes = []
    for seed in range(40):
        toy = ToyWorld(seed)
        say(toy)
        toy.run(0.5)
        toy.world.stop("counter")
        toy.run(200)
        outcomes.append(heard(toy))
        assert toy.echo.downs == ["reset: connection reset by peer"]
    assert 8 < sum(outcomes) < 32


def test_one_seed_draws_one_end() -> None:
    def fate(seed: int) -> list[tuple[int, object]]:
        toy = ToyWorld(seed)
        say(toy)
        toy.run(0.5)
        toy.world.stop("counter")
        toy.run(200)
        return toy.echo.heard

    assert [fate(seed) for seed in range(8)] == [fate(seed) for seed in range(8)]


def test_nothing_is_heard_after_the_end() -> None:
    for seed in range(20):
        toy = ToyWorld(seed)
        say(toy)
        toy.run(0.5)
        toy.world.stop("counter")
        toy.run(20, stop=lambda toy=toy: bool(toy.echo.downs))  # type: ignore[misc]
        assert toy.echo.downs
        before = len(toy.echo.heard)
        toy.run(200)
        assert len(toy.echo.heard) == before


def test_what_reached_a_frozen_host_is_heard_after_the_thaw_and_before_the_end() -> None:
    for seed in range(10):
        toy = ToyWorld(seed)
        toy.world.hold("echo")
        say(toy)
        toy.run(50)
        toy.world.stop("counter")
        toy.run(50)
        assert toy.echo.downs == []
        toy.world.release("echo")
        assert heard(toy)
        assert toy.echo.downs == ["reset: connection reset by peer"]


def test_who_closes_is_heard_to_its_last_word_and_hears_nothing_more() -> None:
    toy = ToyWorld()
    counter = toy.counter
    assert isinstance(counter, Counter)
    assert counter.line is not None
    say(toy)
    counter.line.drop("enough")
    came = len(counter.came)
    assert counter.downs == ["enough"]
    toy.run(4)
    assert heard(toy)
    assert len(counter.came) == came
    assert toy.echo.downs == ["reset: connection reset by peer"]


def test_the_host_of_a_killed_process_sends_again_what_was_lost() -> None:
    fates = set()
    for seed in range(20):
        toy = ToyWorld(seed)
        road = toy.world.road(toy.link)
        road.to.losses[1] = Loss(1.0)
        say(toy)
        del road.to.losses[1]
        toy.world.stop("counter")
        toy.run(500)
        assert toy.echo.downs == ["reset: connection reset by peer"]
        fates.add(heard(toy))
    assert fates == {True, False}


def test_a_severed_connection_loses_what_is_under_way() -> None:
    toy = ToyWorld()
    say(toy)
    toy.world.sever(toy.link, "reset")
    toy.run(50)
    assert not heard(toy)
