"""Attackers are heard where they may be, refused where they must be, and one bad sentinel moves nobody."""

from __future__ import annotations

import pytest

from trading_stack.defects import Defect
from trading_stack.sentinel.messages import Accusation, Issued, Motion
from trading_stack.sentinel.notary import genuine
from trading_stack.simulation import attacks
from trading_stack.simulation import faults as f
from trading_stack.simulation.directed import at
from trading_stack.simulation.network import MS
from trading_stack.simulation.playing import run
from trading_stack.simulation.schedule import Schedule
from trading_stack.simulation.signing import sign, verify
from trading_stack.simulation.world import World
from trading_stack.wire import Sealer

NONE: frozenset[Defect] = frozenset()


def test_a_door_takes_what_was_sealed_for_it_once_and_in_order() -> None:
    world = World(1)
    dialler = attacks.hello(world, "alpha")
    door = attacks.Door(world, "bravo", dialler=dialler, defects=NONE)
    sealer = Sealer(attacks.key(attacks.SECRET, dialler, door.hello))
    first, second, third = (sealer.seal(b"frame") for _ in range(3))
    assert door.admits(first)
    assert not door.admits(first)
    assert not door.admits(third)
    assert door.admits(second)


def test_a_door_refuses_another_connection_s_frames_and_another_key_s() -> None:
    world = World(1)
    dialler = attacks.hello(world, "alpha")
    earlier = attacks.Door(world, "bravo", dialler=dialler, defects=NONE)
    door = attacks.Door(world, "bravo", dialler=dialler, defects=NONE)
    assert not door.admits(Sealer(attacks.key(attacks.SECRET, dialler, earlier.hello)).seal(b"frame"))
    assert not door.admits(Sealer(attacks.key(attacks.GUESSED, dialler, door.hello)).seal(b"frame"))


def test_a_rogue_is_heard_as_itself_and_none_of_its_certificates_is_genuine() -> None:
    world = World(1, sentinels=True)
    world.run(600 * MS)
    config = world.sentinels["bravo"].config
    said = [attacks._lie(world, "alpha", 1) for _ in range(400)]
    heard = {type(lie) for lie in said if genuine("alpha", lie, config=config, verify=verify)}
    assert {Accusation, Motion} <= heard
    assert Issued not in heard
    assert any(isinstance(lie, Issued) for lie in said)


def test_an_honest_certificate_is_genuine() -> None:
    config = World(1, sentinels=True).sentinels["bravo"].config
    granted = attacks.certificate(1, 2, "charlie", "alpha", "charlie")
    assert genuine("alpha", Issued(granted), config=config, verify=verify)
    assert sign("alpha", b"") != sign("charlie", b"")


def betrayed() -> Schedule:
    return Schedule(seed=1, actions=(at(800, f.Betray(1000 * MS, "alpha")),), harmless=True)


def test_one_bad_sentinel_moves_nobody() -> None:
    outcome = run(betrayed())
    assert outcome.finding is None
    assert outcome.promotions == 1


@pytest.mark.parametrize("defect", [Defect.SPLIT_BRAIN_LOCAL_VOTE])
def test_it_does_where_one_vote_is_enough(defect: Defect) -> None:
    assert run(betrayed(), frozenset({defect})).finding is not None


def test_a_store_that_was_put_back_is_no_voter_until_it_has_another_name() -> None:
    world = World(1, sentinels=True)
    world.run(600 * MS)
    put_back = f.Rollback(node="bravo")
    put_back.begin(world)
    assert not world.forgetful("bravo")
    world.propose("alpha", 1)
    world.run(100 * MS)
    put_back.end(world)
    assert world.forgetful("bravo")
    world.run(1000 * MS)
    assert not world.forgetful("bravo")
    assert world.votes("bravo")
