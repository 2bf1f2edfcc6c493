"""Logs that were shortened, in virtual time: who lacks what a log no longer has gets the snapshot, and then the tail."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from outages import CALM, crash, crash_after_writes, cut_between, join, skip, start
from test_replica_defects import led_by, said
from test_replica_schedules import Storm

from trading_stack.defects import Defect
from trading_stack.journal import events as j
from trading_stack.journal.entries import Base
from trading_stack.journal.log import Log
from trading_stack.journal.messages import SnapshotOffer, SnapshotPart, SnapshotWanted
from trading_stack.journal.snapshots import Snapshot
from trading_stack.simulation.network import MS, NODES
from trading_stack.simulation.rules import Violation
from trading_stack.simulation.signing import certificate
from trading_stack.simulation.world import World

HOUR_NS = 3600 * 1000 * MS


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Snapshots of these tests take many messages."""
    monkeypatch.setattr("trading_stack.journal.installing.PART_BYTES", 300)


def serving(seed: int = 1, *, every: int = 30, defects: frozenset[Defect] = frozenset()) -> World:
    world = World(seed, weather=CALM, snapshot_every=every, defects=defects)
    world.run(50 * MS)
    led_by("alpha", 1, world)
    return world


def commit(world: World, node: str, requests: range) -> None:
    for request in requests:
        world.propose(node, request)
        if request % 10 == 0:
            world.run(5 * MS)
    assert world.run(1000 * MS, until=lambda: requests[-1] in world.judge.acked)


def base_of(world: World, node: str) -> int:
    return world.engines[node].replica.log.base.index


def shortened(seed: int = 1, **more: int) -> World:
    """Charlie is away while the others commit and shorten their logs."""
    world = serving(seed, **more)
    commit(world, "alpha", range(1, 6))
    world.isolate("charlie")
    commit(world, "alpha", range(6, 200))
    world.run(100 * MS)
    assert min(base_of(world, node) for node in ("alpha", "bravo")) > 20
    assert world.engines["charlie"].replica.log.last_index < 20
    return world


def caught_up(world: World, node: str) -> Callable[[], bool]:
    def reached() -> bool:
        return len(world.engines[node].applied) >= len(world.judge.committed)

    return reached


# --- taking


def test_logs_are_shortened_at_different_entries_and_stay_short() -> None:
    world = serving(every=30)
    commit(world, "alpha", range(1, 300))
    world.run(200 * MS)
    assert len({base_of(world, node) for node in NODES}) > 1, "all would write a snapshot at once"
    for node in NODES:
        assert base_of(world, node) > 250
        assert len(world.disks[node].written.entries) < 60
        assert world.disks[node].written.promise.epoch == 1
        assert world.disks[node].written.proven
    world.judge.check_end()


def test_a_log_of_great_commands_is_shortened_by_its_size() -> None:
    world = World(1, weather=CALM)
    world.run(50 * MS)
    led_by("alpha", 1, world)
    for _ in range(12):
        commands: list[tuple[j.Request, bytes]] = [(None, b"x" * 10_000) for _ in range(1000)]
        world.engines["alpha"].tell(j.Propose(commands))
        world.run(200 * MS)
    assert base_of(world, "alpha") > 5000
    assert world.engines["alpha"].replica.log.size_bytes < 70 << 20


def test_a_restart_goes_on_from_the_snapshot_and_the_tail() -> None:
    world = serving()
    commit(world, "alpha", range(1, 100))
    world.run(100 * MS)
    for node in NODES:
        crash_after_writes(world, node)
    for node in NODES:
        start(world, node)
        assert base_of(world, node) > 20
        assert len(world.engines[node].applied) == base_of(world, node)
    world.run(50 * MS)
    led_by("bravo", 2, world)
    commit(world, "bravo", range(100, 120))
    world.run(100 * MS)
    world.judge.check_end()


def test_a_snapshot_that_could_not_be_taken_is_tried_again_later() -> None:
    world = serving(every=30)
    alpha = world.engines["alpha"]
    take = alpha._effects[j.TakeSnapshot]
    refused: list[int] = []

    def fail(effect: j.TakeSnapshot) -> None:
        refused.append(effect.entries[-1].index)
        alpha.tell(j.SnapshotTaken(effect.entries[-1].index, None))

    alpha._effects[j.TakeSnapshot] = fail
    commit(world, "alpha", range(1, 100))
    assert 2 <= len(refused) <= 4
    assert base_of(world, "alpha") == 0
    alpha._effects[j.TakeSnapshot] = take
    commit(world, "alpha", range(100, 200))
    world.run(100 * MS)
    assert base_of(world, "alpha") > 100


# --- giving


@pytest.mark.parametrize("seed", range(4))
def test_a_replica_back_after_an_hour_gets_the_snapshot_and_then_the_tail(seed: int) -> None:
    world = shortened(seed)
    skip(world, HOUR_NS)
    world.run(500 * MS)
    world.network.cut.clear()
    world.heal()
    assert world.run(2000 * MS, until=caught_up(world, "charlie"))
    assert "snapshot_installed" in world.kinds()
    commit(world, "alpha", range(200, 210))
    world.run(100 * MS)
    world.judge.check_end()


@pytest.mark.parametrize("seed", range(4))
def test_a_candidate_adopts_a_log_that_begins_beyond_its_own(seed: int) -> None:
    world = shortened(seed)
    world.network.cut.clear()
    world.isolate("alpha")
    world.joins.again([("bravo", "charlie")])
    world.certify("charlie", 2)
    assert world.run(2000 * MS, until=lambda: world.primary() == "charlie")
    commit(world, "charlie", range(300, 320))
    world.network.cut.clear()
    world.heal()
    world.run(1000 * MS)
    world.judge.check_end()


def test_a_lost_connection_costs_only_what_was_on_its_way() -> None:
    world = shortened()
    wanted: list[int] = []
    hear = world.engines["alpha"].tell

    def listen(event: j.Event) -> None:
        if isinstance(event, j.Received) and isinstance(event.message, SnapshotWanted):
            wanted.append(event.message.offset)
            if len(wanted) in (5, 10):
                world.isolate("charlie")
                world.at(world.now_ns + 2000 * MS, lambda *_: world.heal(), None, None)
                return
        hear(event)

    world.engines["alpha"].tell = listen  # type: ignore[method-assign]
    world.network.cut.clear()
    world.heal()
    assert world.run(20_000 * MS, until=lambda: "snapshot_installed" in world.kinds())
    assert len(wanted) > 12
    assert wanted == sorted(wanted), "what had arrived was fetched again"


def test_a_snapshot_that_was_spoilt_on_its_way_replaces_nothing() -> None:
    world = shortened()
    charlie = world.engines["charlie"]
    hear, spoilt = charlie.tell, []

    def spoil(event: j.Event) -> None:
        if isinstance(event, j.Received) and isinstance(event.message, SnapshotPart) and not spoilt:
            part = event.message
            spoilt.append(part.offset)
            event = j.Received(event.sender, SnapshotPart(part.digest, part.offset, part.data[::-1]))
        hear(event)

    charlie.tell = spoil  # type: ignore[method-assign]
    before = len(charlie.applied)
    world.network.cut.clear()
    world.heal()
    assert world.run(2000 * MS, until=lambda: "snapshot_refused" in world.kinds())
    assert (len(charlie.applied), base_of(world, "charlie")) == (before, 0)
    assert world.run(2000 * MS, until=caught_up(world, "charlie")), "the next attempt is sound"


def follower(last: int = 5, *, commit_index: int = 0) -> tuple[World, Log]:
    """Charlie alone, following alpha in epoch 1 with some entries."""
    world = World(1, weather=CALM)
    world.run(50 * MS)
    led_by("alpha", 1, world)
    commit(world, "alpha", range(1, last))
    world.run(100 * MS)
    return world, world.engines["alpha"].replica.log


def told(world: World, sender: str, *messages: object) -> list[j.Effect]:
    charlie = world.engines["charlie"].replica
    effects: list[j.Effect] = []
    for message in messages:
        effects += charlie.handle(j.Received(sender, message), world.now_ns)  # type: ignore[arg-type]
    return effects


def offered(snapshot: Snapshot, *, epoch: int = 1) -> tuple[SnapshotOffer, SnapshotPart]:
    offer = SnapshotOffer(epoch, snapshot.base, snapshot.digest, len(snapshot.data))
    return offer, SnapshotPart(snapshot.digest, 0, snapshot.data)


def test_a_stale_snapshot_undoes_nothing() -> None:
    world, log = follower()
    charlie = world.engines["charlie"].replica
    for index in (2, log.last_index):
        snapshot = Snapshot.of(log.base_at(index), b"the state of long ago")
        effects = told(world, "alpha", *offered(snapshot))
        assert not any(isinstance(effect, j.Send | j.Persist | j.Install) for effect in effects)
    assert (charlie.log.base.index, charlie.log.last_index) == (0, log.last_index)


def test_a_snapshot_that_was_overtaken_while_it_arrived_undoes_nothing() -> None:
    world, log = follower()
    charlie = world.engines["charlie"].replica
    ahead = Snapshot.of(Base(log.last_index + 3, 1, b"?" * 16, 99), b"state")
    offer, part = offered(ahead)
    assert any(isinstance(effect, j.Send) for effect in told(world, "alpha", offer))
    commit(world, "alpha", range(50, 60))
    world.run(100 * MS)
    assert not any(isinstance(effect, j.Persist) for effect in told(world, "alpha", part))
    assert charlie.log.last_index == log.last_index


@pytest.mark.parametrize(("sender", "epoch"), [("bravo", 1), ("alpha", 0), ("alpha", 2)])
def test_a_snapshot_is_taken_from_the_leader_of_the_epoch_alone(sender: str, epoch: int) -> None:
    world, log = follower()
    ahead = Snapshot.of(Base(log.last_index + 3, 1, b"?" * 16, 99), b"state")
    assert told(world, sender, *offered(ahead, epoch=epoch)) == []


def test_nothing_is_installed_before_it_is_durable() -> None:
    world, log = follower()
    ahead = Snapshot.of(Base(log.last_index + 3, 1, b"?" * 16, 99), b"state")
    effects = told(world, "alpha", *offered(ahead))
    [write] = [effect for effect in effects if isinstance(effect, j.Persist)]
    assert (write.fence, write.snapshot, write.promise) == (1, ahead, None)
    assert not any(isinstance(effect, j.Install | j.Apply) for effect in effects)
    effects = world.engines["charlie"].replica.handle(j.Persisted(write.ticket), world.now_ns)
    assert j.Install(ahead) in effects


@pytest.mark.parametrize("step", range(12))
def test_a_crash_at_any_step_of_installing_leaves_the_old_or_the_new(step: int) -> None:
    """The step counts the events that charlie hears from when the first piece arrives."""
    for seed in range(2):
        world = shortened(seed)
        before = len(world.engines["charlie"].applied)
        if _crash_while_installing(world, step * 4 + 1):
            image = world.disks["charlie"].written
            old = image.snapshot is None and len(image.entries) >= before
            new = image.snapshot is not None and all(e.index > image.base.index for e in image.entries)
            assert old or new
            assert image.promise.epoch == 1
            start(world, "charlie")
        world.run(1500 * MS)
        world.judge.check_end()


def _crash_while_installing(world: World, at_event: int) -> bool:
    """Whether charlie crashed at that event, or had caught up before."""
    charlie = world.engines["charlie"]
    hear, heard = charlie.tell, 0

    def count(event: j.Event) -> None:
        nonlocal heard
        piece = isinstance(event, j.Received) and isinstance(event.message, SnapshotPart)
        heard += piece or heard > 0
        if heard == at_event:
            crash(world, "charlie")
        else:
            hear(event)

    charlie.tell = count  # type: ignore[method-assign]
    world.network.cut.clear()
    world.heal()
    done = caught_up(world, "charlie")
    assert world.run(5000 * MS, until=lambda: not charlie.alive or done())
    charlie.tell = hear  # type: ignore[method-assign]
    return not charlie.alive


@pytest.mark.parametrize("block", range(4))
def test_shortened_logs_are_safe_under_random_schedules(block: int) -> None:
    installed = 0
    for seed in range(block * 8, (block + 1) * 8):
        try:
            storm = Storm(seed, snapshot_every=12)
            world = storm.run()
        except (AssertionError, Violation) as failure:
            raise AssertionError(f"seed {seed}: {failure}") from failure
        installed += world.kinds().count("snapshot_installed")
    assert installed, "schedules in which nobody needs a snapshot prove nothing"


# --- what a snapshot must not forget


def promise_forgotten(world: World) -> None:
    """Charlie seals for bravo and shortens its log; back from a crash, it must still refuse the primary of before."""
    world.propose("alpha", 1)
    world.run(50 * MS)
    cut_between(world, "alpha", "bravo")
    cut_between(world, "alpha", "charlie")
    world.certify("bravo", 2)
    assert world.run(500 * MS, until=said(world, "primary_promoted", 2))
    commit(world, "bravo", range(100, 200))
    world.run(100 * MS)
    assert base_of(world, "charlie") > 20
    crash_after_writes(world, "charlie")
    world.isolate("bravo")
    start(world, "charlie")
    world.run(20 * MS)


def stale_certificate(world: World) -> None:
    """The certificate of an epoch that charlie refused once is replayed to it."""
    join(world, "alpha", "charlie")
    rival = certificate(0, 2, "alpha", "alpha", "bravo")
    world.engines["alpha"].tell(j.Certified(rival))
    world.run(1500 * MS)


def test_a_snapshot_keeps_the_promise() -> None:
    for seed in range(10):
        world = serving(seed)
        promise_forgotten(world)
        assert world.disks["charlie"].written.promise == j.Promise(2, "bravo")
        stale_certificate(world)
        assert world.primary() != "alpha"


def test_a_snapshot_that_forgets_the_promise_lets_two_lead_one_epoch() -> None:
    caught = 0
    for seed in range(10):
        world = serving(seed, defects=frozenset({Defect.SNAPSHOT_FORGETS_PROMISE}))
        try:
            promise_forgotten(world)
            stale_certificate(world)
        except Violation:
            caught += 1
    assert caught == 10
