"""Schedules written by hand, each of which a planted mistake turns into a violation, and the right code survives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from outages import BY_DEEDS, CALM, crash, crash_after_writes, cut_between, join, start, wipe
from test_replica_schedules import Storm

from trading_stack.defects import Defect
from trading_stack.journal.events import Certified
from trading_stack.simulation.network import MS, NODES
from trading_stack.simulation.rules import Violation
from trading_stack.simulation.signing import certificate
from trading_stack.simulation.world import World

Script = Callable[[World], None]


def led_by(node: str, epoch: int, world: World) -> None:
    world.certify(node, epoch)
    assert world.run(1000 * MS, until=lambda: world.engines[node].replica.view().serving), (
        f"{node} does not lead"
    )


def said(world: World, kind: str, epoch: int) -> Callable[[], bool]:
    return lambda: any(each.kind == kind and each.fields.get("epoch") == epoch for each in world.told)


def forgotten_promise(world: World) -> None:
    """Charlie seals for bravo, crashes, and forgets; the old primary then commits with charlie's help."""
    led_by("alpha", 1, world)
    world.run(50 * MS)
    cut_between(world, "alpha", "bravo")
    world.certify("bravo", 2)
    assert world.run(500 * MS, until=said(world, "log_sealed", 2))
    crash(world, "charlie")
    cut_between(world, "bravo", "charlie")
    start(world, "charlie")
    world.run(550 * MS)  # it waits in vain for what bravo might tell it
    world.propose("alpha", 1)
    world.run(200 * MS)
    join(world, "bravo", "charlie")
    world.isolate("alpha")
    world.run(500 * MS)


def longest_tail(world: World) -> None:
    """Alpha writes a long tail that nobody has; bravo and charlie commit less, in a later epoch."""
    led_by("alpha", 1, world)
    world.run(50 * MS)
    world.isolate("alpha")
    for request in range(20):
        world.propose("alpha", request)
    world.run(20 * MS)
    led_by("bravo", 2, world)
    world.propose("bravo", 100)
    world.run(100 * MS)
    assert 100 in world.judge.acked
    world.network.cut.clear()
    world.isolate("bravo")
    world.certify("alpha", 3)
    world.run(1000 * MS)


def figure_eight(world: World) -> None:
    """Raft's figure 8: an entry of epoch 2 reaches a majority in epoch 4, and epoch 5 does not have it."""
    led_by("alpha", 1, world)
    world.run(50 * MS)
    led_by("alpha", 2, world)
    world.run(50 * MS)
    world.isolate("alpha")
    world.propose("alpha", 1, b"x" * 600_000)  # fills a whole message by itself
    world.run(20 * MS)
    world.certify("charlie", 3)
    world.run(500 * MS, until=said(world, "log_sealed", 3))
    charlie = world.engines["charlie"].replica
    world.isolate("charlie")
    world.run(20 * MS, until=lambda: charlie.log.last.epoch == 3)
    crash_after_writes(world, "charlie")
    crash(world, "alpha")
    start(world, "alpha")
    join(world, "alpha", "bravo")
    world.certify("alpha", 4)
    bravo = world.engines["bravo"].replica
    reach = len(world.disks["alpha"].written.entries)
    assert world.run(1000 * MS, until=lambda: bravo.log.last_index == reach)
    world.network.cut.add(("alpha", "bravo"))  # what bravo says still arrives
    world.run(30 * MS)
    world.isolate("alpha")
    start(world, "charlie")
    join(world, "bravo", "charlie")
    world.certify("charlie", 5)
    world.run(1000 * MS)


def wiped_voter(world: World) -> None:
    """Bravo and alpha commit without charlie; bravo is wiped, and helps charlie to lead."""
    led_by("alpha", 1, world)
    world.run(50 * MS)
    world.isolate("charlie")
    world.propose("alpha", 1)
    world.run(100 * MS)
    assert 1 in world.judge.acked
    crash(world, "bravo")
    wipe(world, "bravo")
    world.network.cut.clear()
    world.isolate("alpha")
    start(world, "bravo")
    world.run(100 * MS)
    world.certify("charlie", 2)
    world.run(1000 * MS)


SCRIPTS: dict[Defect, Script] = {
    Defect.PROMISE_NOT_DURABLE: forgotten_promise,
    Defect.CANDIDATE_BY_LOG_LENGTH: longest_tail,
    Defect.OLDER_EPOCH_COMMITTED: figure_eight,
    Defect.WIPED_REPLICA_VOTES: wiped_voter,
}


def broken(world: World) -> bool:
    return any(kind == "store_damaged" for kind in world.kinds())


@pytest.mark.parametrize("defect", SCRIPTS)
def test_the_right_code_survives_the_schedule(defect: Defect) -> None:
    for seed in range(20):
        world = World(seed, weather=CALM)
        world.run(50 * MS)
        SCRIPTS[defect](world)
        assert not broken(world)


@pytest.mark.parametrize("defect", SCRIPTS)
def test_the_planted_mistake_is_caught(defect: Defect) -> None:
    def caught() -> Iterator[bool]:
        for seed in range(20):
            world = World(seed, weather=CALM, defects=frozenset({defect}), judged=BY_DEEDS)
            world.run(50 * MS)
            try:
                SCRIPTS[defect](world)
            except Violation:
                yield True
            else:
                yield broken(world)

    assert any(caught())


@pytest.mark.parametrize(
    "defect",
    [Defect.ACKNOWLEDGE_BEFORE_REPLICATION, Defect.NO_FENCING, Defect.SPLIT_BRAIN_LOCAL_VOTE],
)
def test_random_schedules_catch_the_coarse_mistakes(defect: Defect) -> None:
    caught = 0
    for seed in range(12):
        with suppress(AssertionError, Violation):
            Storm(seed, defects=frozenset({defect})).run()
            continue
        caught += 1
    assert caught >= 6


def test_a_wiped_store_votes_again_after_it_has_recovered() -> None:
    world = World(1, weather=CALM)
    world.run(50 * MS)
    led_by("alpha", 1, world)
    world.propose("alpha", 1)
    world.run(100 * MS)
    crash(world, "bravo")
    wipe(world, "bravo")
    start(world, "bravo")
    assert not world.engines["bravo"].replica.view().proven
    assert world.run(2000 * MS, until=lambda: world.engines["bravo"].replica.view().proven)
    assert world.disks["bravo"].written.promise.epoch == 1
    world.isolate("alpha")
    led_by("charlie", 2, world)
    assert world.judge.acked[1].hash == world.engines["charlie"].applied[1]


def test_two_wiped_stores_refuse_to_go_on() -> None:
    world = World(1, weather=CALM)
    world.run(50 * MS)
    led_by("alpha", 1, world)
    for node in ("bravo", "charlie"):
        crash(world, node)
        wipe(world, node)
        start(world, node)
    world.run(2000 * MS)
    assert not any(world.engines[node].replica.view().proven for node in ("bravo", "charlie"))
    assert world.primary() is None, "a primary without a majority of stores that remember"


@pytest.mark.parametrize("node", NODES)
def test_a_certificate_with_one_signature_changes_nothing(node: str) -> None:
    world = World(1, weather=CALM)
    world.run(50 * MS)
    forged = certificate(0, 1, node, "alpha")
    world.engines[node].tell(Certified(forged))
    world.run(500 * MS)
    assert world.primary() is None
    assert world.disks[node].written.promise.epoch == 0
