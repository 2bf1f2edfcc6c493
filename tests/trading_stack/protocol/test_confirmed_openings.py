"""A store that was opened binds itself to nobody before its peers have said how old they know it to be."""

from __future__ import annotations

import pytest
from outages import BY_DEEDS, CALM, back_up, crash, cut_between, join, put_back, start
from test_replica import LIFE, append, confirmation, hear, log_of, of_type, opened, settle

from trading_stack.journal import events as j
from trading_stack.journal.core import Config, Core
from trading_stack.journal.hearing import AWAY_TURNS, LINKED_TURNS
from trading_stack.journal.image import Image
from trading_stack.journal.life import OPENINGS_KEPT, Age, Life
from trading_stack.journal.messages import AppendReply, PreVote, PreVoteReply, Status
from trading_stack.journal.replica import Replica
from trading_stack.simulation.network import MS, NODES
from trading_stack.simulation.rules import Violation
from trading_stack.simulation.signing import certificate, verify
from trading_stack.simulation.world import World

ALLOWED = certificate(0, 1, "bravo", "alpha", "bravo")


def serving(seed: int) -> World:
    world = World(seed, weather=CALM, judged=BY_DEEDS)
    world.run(50 * MS)
    world.certify("alpha", 1)
    assert world.run(500 * MS, until=lambda: world.primary() == "alpha")
    world.run(50 * MS)
    return world


# --- one replica


def acknowledgement(target: Replica) -> AppendReply:
    """What it answers to bravo, which leads epoch 1."""
    [reply] = of_type(settle(target, hear(target, append(log_of(3)))), AppendReply)
    assert isinstance(reply, AppendReply)
    return reply


def granted(target: Replica) -> bool:
    [reply] = of_type(hear(target, PreVote(ALLOWED, LIFE)), PreVoteReply)
    assert isinstance(reply, PreVoteReply)
    return reply.granted


def pass_turns(target: Replica, turns: int = AWAY_TURNS) -> list[j.Effect]:
    return [effect for turn in range(turns) for effect in target.handle(j.Timer(), (turn + 1) * 20 * MS)]


def test_nothing_is_granted_or_acknowledged_before_both_peers_have_answered() -> None:
    target = opened()
    for number, peer in ((2, "bravo"), (3, "charlie")):
        assert not granted(target)
        settle(target, hear(target, confirmation(number), sender=peer))
    assert granted(target)
    assert acknowledgement(target).proven


def test_what_was_said_of_an_earlier_opening_is_no_answer() -> None:
    target = opened()
    for number, peer in ((2, "bravo"), (3, "charlie")):
        stale = Status(Life(f"store-{number}", Age(1, 1)), True, False, {}, {"store-1": Age(0, 0, 9)})
        settle(target, hear(target, stale, sender=peer))
    assert not granted(target)


def test_a_peer_that_is_away_is_not_waited_for_without_end() -> None:
    target = opened()
    settle(target, hear(target, confirmation(2)))
    pass_turns(target, AWAY_TURNS - 1)
    assert not granted(target)
    pass_turns(target, 1)
    assert granted(target)
    assert acknowledgement(target).proven


def test_a_peer_that_was_dialled_has_the_time_to_dial_back() -> None:
    target = opened()
    settle(target, hear(target, confirmation(2)))
    target.handle(j.PeerUp("charlie"), 0)
    pass_turns(target, LINKED_TURNS - 1)
    assert not granted(target)
    pass_turns(target, 1)
    assert granted(target)


def test_nothing_binds_it_to_a_peer_that_has_not_answered_however_long_it_waited() -> None:
    target = opened()
    asked = of_type(pass_turns(target, 3 * AWAY_TURNS), Status)
    assert asked
    assert all(isinstance(status, Status) and status.asks for status in asked)
    assert not granted(target)
    settle(target, hear(target, confirmation(3), sender="charlie"))
    assert not granted(target), "charlie has answered, and bravo asks"
    assert not acknowledgement(target).proven
    settle(target, hear(target, confirmation(2)))
    assert granted(target)


def test_who_is_asked_answers_and_two_that_ask_each_other_come_to_an_end() -> None:
    target = opened()
    question = Status(Life("store-2", Age(1, 1, 4)), True, False, {}, {}, asks=True)
    [answer] = of_type(hear(target, question), Status)
    assert isinstance(answer, Status)
    assert answer.seen["store-2"] == Age(1, 1, 4)
    assert answer.asks
    last = Status(Life("store-2", Age(1, 1, 4)), True, False, {}, {"store-1": Age(1, 0, 1)}, asks=True)
    [answer] = of_type(hear(target, last), Status)
    assert isinstance(answer, Status)
    assert not answer.asks


# --- how much was forgotten


def test_further_openings_hide_no_loss() -> None:
    config = Config("alpha", ("bravo", "charlie"), verify, lambda *_: b"epoch")
    image = Image("store-1")
    image.open()
    image.write(j.Persist(10, None))
    assert image.age[:2] == (1, 11)
    lost, kept = Age(1, 13, 5), Age(1, 11, 5)
    for writes in (1, 20, 300):
        image.open()
        core = Core.of(config, image.stored(), 7)
        assert core.forgot(lost)
        assert not core.forgot(kept)
        image.write(j.Persist(writes, None))


def test_of_many_openings_the_last_are_remembered_and_no_honest_store_is_accused() -> None:
    config = Config("alpha", ("bravo", "charlie"), verify, lambda *_: b"epoch")
    image, ages = Image("store-1"), list[Age]()
    for _ in range(2 * OPENINGS_KEPT):
        image.open()
        image.write(j.Persist(3, None))
        ages.append(image.age)
    image.open()
    core = Core.of(config, image.stored(), 7)
    assert len(core.openings) == OPENINGS_KEPT
    assert not any(core.forgot(age) for age in ages)
    assert all(core.forgot(age._replace(writes=age.writes + 1)) for age in ages[-OPENINGS_KEPT:])


# --- whole clusters


def acknowledges_for_the_deposed(world: World) -> None:
    """Bravo forgets what it promised charlie, and alpha, which leads no more, reaches it before charlie does."""
    older = back_up(world, "bravo")
    world.isolate("alpha")
    world.propose("alpha", 1)
    world.certify("charlie", 2)
    assert world.run(300 * MS, until=lambda: world.primary() == "charlie")
    world.propose("charlie", 2)
    assert world.run(100 * MS, until=lambda: 2 in world.judge.acked)
    crash(world, "bravo")
    put_back(world, "bravo", older)
    world.network.cut.clear()
    cut_between(world, "alpha", "charlie")
    cut_between(world, "bravo", "charlie")
    start(world, "bravo")
    world.run(200 * MS)
    join(world, "bravo", "charlie")
    world.run(200 * MS)


@pytest.mark.parametrize("seed", range(10))
def test_a_forgotten_promise_is_heard_of_before_the_deposed_primary_is_acknowledged(seed: int) -> None:
    world = serving(seed)
    acknowledges_for_the_deposed(world)
    assert 1 not in world.judge.acked
    assert "store_damaged" in world.kinds()
    world.heal()
    assert world.run(2000 * MS, until=lambda: all(world.votes(node) for node in NODES))
    world.run(200 * MS)
    world.judge.check_end()


def test_without_waiting_the_deposed_primary_is_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Core, "binds_to", lambda core, _: core.proven)
    with pytest.raises(Violation):
        acknowledges_for_the_deposed(serving(1))


def test_an_acknowledgement_from_before_the_last_opening_commits_nothing() -> None:
    world = serving(2)
    alpha, store = world.engines["alpha"].replica, world.disks["bravo"].written.incarnation
    world.propose("alpha", 1)  # it is on its way when they die
    crash(world, "bravo", "charlie")
    world.run(50 * MS)
    last, now_ns = alpha.view().last.end, world.now_ns
    seen = world.disks["bravo"].written.age

    def acknowledge(age: Age) -> None:
        reply = AppendReply(1, 0, 1, last, last, Life(store, age), matched=True, proven=True)
        alpha.handle(j.Received("bravo", reply), now_ns)

    later = Status(Life(store, Age(seen.opens + 1, seen.writes + 1, 5)), True, False, {}, {})
    alpha.handle(j.Received("bravo", later), now_ns)
    acknowledge(seen)
    assert alpha.view().commit_index < last
    acknowledge(Age(seen.opens + 1, seen.writes + 2, 5))
    assert alpha.view().commit_index == last


@pytest.mark.parametrize("seed", range(5))
def test_a_majority_serves_again_when_one_of_it_restarts_and_the_third_stays_away(seed: int) -> None:
    world = serving(seed)
    crash(world, "charlie", "bravo")
    start(world, "bravo")
    world.propose("alpha", 1)
    assert world.run(700 * MS, until=lambda: 1 in world.judge.acked)


def test_a_candidate_stands_once_its_peers_have_answered_unless_that_takes_too_long() -> None:
    allowed = j.Certified(certificate(0, 1, "alpha", "alpha", "bravo"))
    for turns, stands in ((10, True), (100, False)):
        target = opened()
        assert of_type(target.handle(allowed, 0), PreVote) == []
        assert of_type(pass_turns(target, turns), PreVote) == []
        effects = list[j.Effect]()
        for number, peer in ((2, "bravo"), (3, "charlie")):
            status = j.Received(peer, confirmation(number))
            effects += target.handle(status, (turns + 1) * 20 * MS)
        assert bool(of_type(effects, PreVote)) == stands


@pytest.mark.parametrize("seed", range(5))
def test_a_replica_that_restarts_beside_two_others_votes_at_once(seed: int) -> None:
    world = serving(seed)
    crash(world, "bravo")
    start(world, "bravo")
    assert world.run(20 * MS, until=lambda: world.engines["bravo"].replica._core.votes)
