"""Stores that were put back to an older state of themselves, promise and all: recognised before they vote."""

from __future__ import annotations

import pytest
from simulated import MS, Violation, Weather, World

from trading_stack.journal.life import Age

CALM = Weather(delay_ns=1 * MS, jitter_ns=1)


def serving(seed: int) -> World:
    world = World(seed, weather=CALM)
    world.run(50 * MS)
    world.certify("alpha", 1)
    assert world.run(500 * MS, until=lambda: world.primary() == "alpha")
    world.run(50 * MS)
    return world


def reasons(world: World, node: str) -> list[str]:
    return [str(f["reason"]) for _, name, kind, f in world.told if (name, kind) == (node, "store_damaged")]


def acknowledged_by_two_and_forgotten_by_one(world: World, *, reopened: bool) -> None:
    """Bravo acknowledges with alpha, is put back to before, and is asked by charlie, who never had the entry."""
    older = world.back_up("bravo")
    if reopened:
        world.engines["bravo"].crash()
        world.engines["bravo"].start()
        world.run(100 * MS)
    world.isolate("charlie")
    world.propose("alpha", 1)
    assert world.run(200 * MS, until=lambda: 1 in world.acked)
    world.run(50 * MS)
    world.engines["bravo"].crash()
    world.put_back("bravo", older)
    world.cut.clear()
    world.isolate("alpha")
    world.engines["bravo"].start()
    world.certify("charlie", 2)
    world.run(1000 * MS)


@pytest.mark.parametrize("seed", range(10))
def test_a_store_from_before_its_last_opening_elects_nobody(seed: int) -> None:
    world = serving(seed)
    acknowledged_by_two_and_forgotten_by_one(world, reopened=True)
    assert world.primary() != "charlie"
    assert "rolled back" in reasons(world, "bravo")[0]
    assert "saw an earlier opening 2" in reasons(world, "bravo")[0]
    world.heal()
    world.certify("charlie", 9)
    assert world.run(1000 * MS, until=lambda: world.primary() == "charlie"), (
        "alpha and charlie know everything"
    )
    assert world.run(2000 * MS, until=lambda: world.engines["bravo"].replica.view().proven), "it must recover"
    world.run(200 * MS)
    world.check_end()


def test_without_the_rule_what_was_acknowledged_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Age, "behind", lambda *_: False)
    world = serving(1)
    with pytest.raises(Violation):
        acknowledged_by_two_and_forgotten_by_one(world, reopened=True)


@pytest.mark.parametrize("seed", range(5))
def test_a_store_from_its_last_opening_learns_it_from_whoever_heard_more(seed: int) -> None:
    world = serving(seed)
    older = world.back_up("bravo")
    world.propose("alpha", 1)
    assert world.run(200 * MS, until=lambda: 1 in world.acked)
    world.run(50 * MS)
    before = world.disks["bravo"].incarnation
    world.engines["bravo"].crash()
    world.put_back("bravo", older)
    world.engines["bravo"].start()
    assert world.run(100 * MS, until=lambda: bool(reasons(world, "bravo")))
    assert world.run(2000 * MS, until=lambda: world.engines["bravo"].replica.view().proven)
    assert world.disks["bravo"].incarnation != before, "under its old name it would be refused for ever"
    world.run(200 * MS)
    world.check_end()


def test_a_rolled_back_store_that_stands_itself_is_refused() -> None:
    world = serving(3)
    older = world.back_up("bravo")
    world.engines["bravo"].crash()
    world.engines["bravo"].start()
    world.run(100 * MS)
    world.isolate("charlie")
    world.propose("alpha", 1)
    assert world.run(200 * MS, until=lambda: 1 in world.acked)
    world.engines["bravo"].crash()
    world.put_back("bravo", older)
    world.cut.clear()
    world.isolate("alpha")
    world.engines["bravo"].start()
    world.certify("bravo", 2)
    world.run(1000 * MS)
    assert world.primary() != "bravo"


def test_a_founder_that_was_put_back_to_before_the_founding_does_not_vote_at_once() -> None:
    """Empty, and remembered as a founder: only its age tells that it has promised and acknowledged since."""
    world = World(1, weather=CALM)
    newborn = world.back_up("bravo")
    world.run(50 * MS)
    world.certify("alpha", 1)
    assert world.run(500 * MS, until=lambda: world.primary() == "alpha")
    world.isolate("charlie")
    world.propose("alpha", 1)
    assert world.run(200 * MS, until=lambda: 1 in world.acked)
    world.engines["bravo"].crash()
    world.put_back("bravo", newborn)
    world.cut.clear()
    world.isolate("alpha")
    world.engines["bravo"].start()
    world.certify("charlie", 2)
    world.run(1000 * MS)
    assert not world.engines["bravo"].replica.view().proven
    assert world.primary() != "charlie"


def test_what_was_seen_survives_a_restart_of_the_one_who_saw_it() -> None:
    world = serving(4)
    older = world.back_up("bravo")
    world.engines["bravo"].crash()
    world.engines["bravo"].start()
    world.run(100 * MS)
    assert world.disks["charlie"].seen[world.disks["bravo"].incarnation].opens == 2
    for node in ("bravo", "charlie"):
        world.engines[node].crash()
    world.put_back("bravo", older)
    for node in ("bravo", "charlie"):
        world.engines[node].start()
    world.isolate("alpha")
    world.run(100 * MS)
    assert "rolled back" in reasons(world, "bravo")[0]


def test_honest_restarts_are_never_taken_for_it() -> None:
    for seed in range(10):
        world = serving(seed)
        for request in range(8):
            node = world.random.choice(["bravo", "charlie"])
            world.propose("alpha", request)
            world.run(world.random.randrange(5 * MS))
            world.engines[node].crash()
            world.run(world.random.randrange(30 * MS))
            world.engines[node].start()
            world.run(100 * MS)
        assert "store_damaged" not in world.kinds()


def test_a_store_that_was_made_anew_after_damage_founds_nothing() -> None:
    """Three damaged stores are empty, and still no new cluster."""
    world = serving(5)
    for node in ("alpha", "bravo", "charlie"):
        world.engines[node].crash()
        world.wipe(node)
        world.disks[node].fresh = False
    for node in ("alpha", "bravo", "charlie"):
        world.engines[node].start()
    world.run(2000 * MS)
    assert not any(engine.replica.view().proven for engine in world.engines.values())
