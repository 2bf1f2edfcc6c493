"""Stores that were put back to an older state of themselves, promise and all: recognised before they vote."""

from __future__ import annotations

import pytest
from outages import BY_DEEDS, CALM, back_up, crash, put_back, start, wipe

from trading_stack.journal import events as j
from trading_stack.journal.config import Config
from trading_stack.journal.core import Core
from trading_stack.journal.image import Image
from trading_stack.journal.life import Age, Life
from trading_stack.journal.messages import Status
from trading_stack.journal.replica import Replica
from trading_stack.simulation.network import MS
from trading_stack.simulation.rules import Violation
from trading_stack.simulation.signing import verify
from trading_stack.simulation.world import World


def serving(seed: int) -> World:
    world = World(seed, weather=CALM, judged=BY_DEEDS)
    world.run(50 * MS)
    world.certify("alpha", 1)
    assert world.run(500 * MS, until=lambda: world.primary() == "alpha")
    world.run(50 * MS)
    return world


def reasons(world: World, node: str) -> list[str]:
    return [
        str(each.fields["reason"]) for each in world.told if (each.node, each.kind) == (node, "store_damaged")
    ]


def acknowledged_by_two_and_forgotten_by_one(world: World, *, reopened: bool) -> None:
    """Bravo acknowledges with alpha, is put back to before, and is asked by charlie, who never had the entry."""
    older = back_up(world, "bravo")
    if reopened:
        crash(world, "bravo")
        start(world, "bravo")
        world.run(100 * MS)
    world.isolate("charlie")
    world.propose("alpha", 1)
    assert world.run(200 * MS, until=lambda: 1 in world.judge.acked)
    world.run(50 * MS)
    crash(world, "bravo")
    put_back(world, "bravo", older)
    world.network.cut.clear()
    world.isolate("alpha")
    start(world, "bravo")
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
    world.judge.check_end()


def test_without_the_rule_what_was_acknowledged_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Age, "behind", lambda *_: False)
    monkeypatch.setattr(Core, "forgot", lambda *_: False)
    monkeypatch.setattr(Core, "binds_to", lambda core, _: core.proven)
    world = serving(1)
    with pytest.raises(Violation):
        acknowledged_by_two_and_forgotten_by_one(world, reopened=True)


@pytest.mark.parametrize("seed", range(5))
def test_a_store_from_its_last_opening_learns_it_from_whoever_heard_more(seed: int) -> None:
    world = serving(seed)
    older = back_up(world, "bravo")
    world.propose("alpha", 1)
    assert world.run(200 * MS, until=lambda: 1 in world.judge.acked)
    world.run(50 * MS)
    before = world.disks["bravo"].written.incarnation
    crash(world, "bravo")
    put_back(world, "bravo", older)
    start(world, "bravo")
    assert world.run(100 * MS, until=lambda: bool(reasons(world, "bravo")))
    assert world.run(2000 * MS, until=lambda: world.engines["bravo"].replica.view().proven)
    assert world.disks["bravo"].written.incarnation != before, (
        "under its old name it would be refused for ever"
    )
    world.run(200 * MS)
    world.judge.check_end()


def test_a_rolled_back_store_that_stands_itself_is_refused() -> None:
    world = serving(3)
    older = back_up(world, "bravo")
    crash(world, "bravo")
    start(world, "bravo")
    world.run(100 * MS)
    world.isolate("charlie")
    world.propose("alpha", 1)
    assert world.run(200 * MS, until=lambda: 1 in world.judge.acked)
    crash(world, "bravo")
    put_back(world, "bravo", older)
    world.network.cut.clear()
    world.isolate("alpha")
    start(world, "bravo")
    world.certify("bravo", 2)
    world.run(1000 * MS)
    assert world.primary() != "bravo"


def test_a_founder_that_was_put_back_to_before_the_founding_does_not_vote_at_once() -> None:
    """Empty, and remembered as a founder: only its age tells that it has promised and acknowledged since."""
    world = World(1, weather=CALM, judged=BY_DEEDS)
    newborn = back_up(world, "bravo")
    world.run(50 * MS)
    world.certify("alpha", 1)
    assert world.run(500 * MS, until=lambda: world.primary() == "alpha")
    world.isolate("charlie")
    world.propose("alpha", 1)
    assert world.run(200 * MS, until=lambda: 1 in world.judge.acked)
    crash(world, "bravo")
    put_back(world, "bravo", newborn)
    world.network.cut.clear()
    world.isolate("alpha")
    start(world, "bravo")
    world.certify("charlie", 2)
    world.run(1000 * MS)
    assert not world.engines["bravo"].replica.view().proven
    assert world.primary() != "charlie"


def test_what_was_seen_survives_a_restart_of_the_one_who_saw_it() -> None:
    world = serving(4)
    older = back_up(world, "bravo")
    crash(world, "bravo")
    start(world, "bravo")
    world.run(100 * MS)
    assert world.disks["charlie"].written.seen[world.disks["bravo"].written.incarnation].opens == 2
    for node in ("bravo", "charlie"):
        crash(world, node)
    put_back(world, "bravo", older)
    for node in ("bravo", "charlie"):
        start(world, node)
    world.isolate("alpha")
    world.run(100 * MS)
    assert "rolled back" in reasons(world, "bravo")[0]


def test_honest_restarts_are_never_taken_for_it() -> None:
    for seed in range(10):
        world = serving(seed)
        for request in range(8):
            node = world.draws.pick(["bravo", "charlie"])
            world.propose("alpha", request)
            world.run(world.draws.below(5 * MS))
            crash(world, node)
            world.run(world.draws.below(30 * MS))
            start(world, node)
            world.run(100 * MS)
        assert "store_damaged" not in world.kinds()


def test_a_store_that_was_made_anew_after_damage_founds_nothing() -> None:
    """Three damaged stores are empty, and still no new cluster."""
    world = serving(5)
    for node in ("alpha", "bravo", "charlie"):
        crash(world, node)
        wipe(world, node)
        world.disks[node].written.fresh = False
    for node in ("alpha", "bravo", "charlie"):
        start(world, node)
    world.run(2000 * MS)
    assert not any(engine.replica.view().proven for engine in world.engines.values())


def test_a_vote_that_is_being_written_is_not_for_the_store_that_was_disowned_meanwhile() -> None:
    """One peer remembers a founder, the other how much it had written; both are heard before the store has written."""
    image = Image("store-b")
    image.open()
    image.open()  # the file of its first minute, put back
    bravo = Replica(
        Config("bravo", ("alpha", "charlie"), verify, lambda *_: b"epoch"), image.stored(), nonce=77
    )
    founders = {"alpha": "store-a", "bravo": "store-b", "charlie": "store-c"}
    persists: list[j.Persist] = []
    for now_ns, (peer, writes) in enumerate({"alpha": 1, "charlie": 950}.items()):
        seen = {"store-b": Age(1, writes, 3)}
        status = Status(Life(f"store-{peer[0]}", Age(1, 900, 5)), True, False, founders, seen)
        effects = bravo.handle(j.Received(peer, status), now_ns)
        persists += [effect for effect in effects if isinstance(effect, j.Persist)]
    assert [persist.proven for persist in persists if persist.proven is not None] == [True, False]
    for persist in persists:
        bravo.handle(j.Persisted(persist.ticket), MS)
        assert not bravo.view().proven
