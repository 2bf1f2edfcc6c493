"""One replica at a time: what it refuses, when it steps down, and what it asks of its shell."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from outages import BY_DEEDS, CALM, freeze, thaw

from trading_stack.defects import Defect
from trading_stack.journal import events as j
from trading_stack.journal.certificate import valid
from trading_stack.journal.config import Config, Role
from trading_stack.journal.entries import Entry
from trading_stack.journal.image import Image
from trading_stack.journal.life import Age, Life
from trading_stack.journal.log import Log
from trading_stack.journal.messages import (
    Append,
    AppendReply,
    Fetch,
    FetchReply,
    PreVote,
    PreVoteReply,
    Seal,
    SealReply,
    Status,
)
from trading_stack.journal.replica import Replica
from trading_stack.simulation.disk import Disk
from trading_stack.simulation.network import MS
from trading_stack.simulation.signing import certificate, sign
from trading_stack.simulation.world import World

LIFE = Life("store-2", Age(1, 1))


def replica(*, node: str = "alpha", entries: list[Entry] | None = None) -> Replica:
    """One that has heard from its peers what they know of its store: nothing but this opening."""
    target = opened(node=node, entries=entries)
    peers = tuple(name for name in ("alpha", "bravo", "charlie") if name != node)
    for number, peer in enumerate(peers, 2):
        settle(target, hear(target, confirmation(number), sender=peer))
    return target


def confirmation(number: int) -> Status:
    return Status(Life(f"store-{number}", Age(1, 1)), True, False, {}, {"store-1": Age(1, 0, 1)})


def opened(*, node: str = "alpha", entries: list[Entry] | None = None, damage: str = "") -> Replica:
    peers = tuple(name for name in ("alpha", "bravo", "charlie") if name != node)
    config = Config(
        node=node,
        peers=peers,
        verify=lambda name, message, signature: signature == sign(name, message),
        epoch_command=lambda epoch, name: f"{epoch} {name}".encode(),
    )
    stored = j.Stored("store-1", True, {}, j.Promise(), entries or [], damage)
    return Replica(config, stored, nonce=1)


def log_of(count: int, *, epoch: int = 1) -> Log:
    log = Log()
    for number in range(count):
        log.write(epoch, number, b"command")
    return log


def append(log: Log, *, epoch: int = 1, before: int = 0, last: int | None = None, **more: object) -> Append:
    fields = {
        "epoch": epoch,
        "primary": "bravo",
        "round": 1,
        "before_index": before,
        "before_hash": log.hash_at(before),
        "entries": log.slice(before + 1, log.last_index if last is None else last),
        "commit_index": 0,
        "serving": True,
        "acknowledged": 0,
        "incarnation": "store-1",
        "certificate": certificate(0, epoch, "bravo", "alpha", "bravo"),
        "life": LIFE,
        **more,
    }
    return Append(**fields)  # type: ignore[arg-type]


def of_type(effects: list[j.Effect], kind: type) -> list[object]:
    found: list[object] = []
    for effect in effects:
        if isinstance(effect, kind):
            found.append(effect)
        elif isinstance(effect, j.Send) and isinstance(effect.message, kind):
            found.append(effect.message)
    return found


def granted(reply: object) -> tuple[int, int, bool, int, int]:
    assert isinstance(reply, SealReply)
    return reply.epoch, reply.promised_epoch, reply.granted, reply.last_epoch, reply.last_index


def hear(target: Replica, message: object, *, sender: str = "bravo") -> list[j.Effect]:
    return target.handle(j.Received(sender, message), MS)  # type: ignore[arg-type]


def settle(target: Replica, effects: list[j.Effect]) -> list[j.Effect]:
    """Let the store finish everything."""
    tickets = [effect.ticket for effect in effects if isinstance(effect, j.Persist)]
    return target.handle(j.Persisted(max(tickets)), MS) if tickets else []


def test_an_append_is_answered_once_it_is_durable() -> None:
    target = replica()
    effects = hear(target, append(log_of(3)))
    assert of_type(effects, AppendReply) == []
    [reply] = of_type(settle(target, effects), AppendReply)
    assert isinstance(reply, AppendReply)
    assert (reply.matched, reply.match_index, reply.proven) == (True, 3, True)


def test_an_append_of_an_unknown_epoch_needs_its_certificate() -> None:
    target = replica()
    for forged in (None, certificate(0, 1, "bravo", "alpha"), certificate(0, 1, "charlie", "alpha", "bravo")):
        effects = hear(target, append(log_of(3), certificate=forged))
        [reply] = of_type(effects, AppendReply)
        assert isinstance(reply, AppendReply)
        assert reply.certificate_wanted
        assert of_type(effects, j.Persist) == []
    assert target.view().promised_epoch == 0


def test_an_append_in_anothers_name_is_ignored() -> None:
    assert hear(replica(), append(log_of(1)), sender="charlie") == []


def test_a_lower_epoch_is_refused_and_told() -> None:
    target = replica()
    settle(target, hear(target, append(log_of(1, epoch=3), epoch=3)))
    effects = hear(target, append(log_of(1), epoch=2))
    [told] = of_type(effects, j.Tell)
    assert told == j.Tell("append_refused", {"epoch": 2, "promised_epoch": 3, "candidate": "bravo"})
    [reply] = of_type(effects, AppendReply)
    assert isinstance(reply, AppendReply)
    assert (reply.matched, reply.promised_epoch) == (False, 3)


def test_another_primary_of_the_same_epoch_is_not_followed() -> None:
    target = replica()
    settle(target, hear(target, append(log_of(1))))
    usurper = append(log_of(1), primary="charlie", certificate=certificate(0, 1, "charlie", "alpha", "bravo"))
    assert hear(target, usurper, sender="charlie") == []


def test_entries_that_do_not_chain_are_not_written() -> None:
    target = replica()
    log = log_of(3)
    forged = [log.at(1), Entry(2, 1, 5, b"forged", log.at(2).hash)]
    effects = hear(target, append(log, entries=forged))
    assert not any(effect.entries for effect in of_type(effects, j.Persist) if isinstance(effect, j.Persist))
    effects = hear(target, append(log, entries=[log.at(3)]))
    assert target.log.last_index == 0


def test_entries_that_do_not_chain_commit_no_tail_of_ones_own() -> None:
    log = log_of(5)
    target = replica(entries=log.slice(1, 5))
    spoilt = [Entry(e.index, 2, 99, b"spoilt", b"?" * 16) for e in log.slice(4, 5)]
    effects = hear(target, append(log, epoch=2, before=3, entries=spoilt, commit_index=5))
    effects += settle(target, effects)
    assert [r.matched for r in of_type(effects, AppendReply) if isinstance(r, AppendReply)] == [False]
    assert target.view().commit_index == 0
    assert of_type(effects, j.Apply) == []
    assert target.log.last_index == 5


def test_a_candidate_does_not_lead_on_entries_that_do_not_chain() -> None:
    full = log_of(5)
    target = replica(entries=full.slice(1, 3))
    pending = target.handle(j.Certified(certificate(0, 2, "alpha", "alpha", "bravo")), MS)
    pending += hear(target, PreVoteReply(2, 0, granted=True))
    pending += settle(target, pending)
    pending += hear(target, SealReply(2, 2, granted=True, last_epoch=1, last_index=5, life=LIFE))
    [fetch] = of_type(pending, Fetch)
    assert isinstance(fetch, Fetch)
    spoilt = [Entry(4, 1, 99, b"spoilt", b"?" * 16), full.at(5)]
    effects = hear(target, FetchReply(2, 3, 3, spoilt, matched=True))
    assert target.view().role is Role.CANDIDATE
    assert target.log.last_index == 3
    assert of_type(effects, j.Persist) == []
    hear(target, FetchReply(2, 3, 3, full.slice(4, 5), matched=True))
    assert target.view().role is Role.PRIMARY
    assert target.log.slice(1, 5) == full.slice(1, 5)


def test_a_gap_is_answered_with_where_to_go_on() -> None:
    target = replica()
    settle(target, hear(target, append(log_of(3), last=1)))
    [reply] = of_type(hear(target, append(log_of(9), before=8)), AppendReply)
    assert isinstance(reply, AppendReply)
    assert (reply.matched, reply.hint) == (False, 1)


def test_a_conflict_is_answered_with_the_start_of_the_conflicting_epoch() -> None:
    own = log_of(2)
    for _ in range(5):
        own.write(2, 0, b"tail")
    target = replica(entries=own.slice(1, 7))
    theirs = log_of(9, epoch=3)
    [reply] = of_type(hear(target, append(theirs, epoch=3, before=6)), AppendReply)
    assert isinstance(reply, AppendReply)
    assert reply.hint == 2


def test_only_what_differs_is_truncated() -> None:
    log = log_of(5)
    target = replica(entries=log.slice(1, 5))
    log.truncate(4)
    log.write(2, 0, b"another")
    effects = hear(target, append(log, epoch=2))
    [write] = [e for e in of_type(effects, j.Persist) if isinstance(e, j.Persist) and e.entries]
    assert write.truncate_from == 4
    assert [entry.index for entry in write.entries] == [4]


def test_a_committed_entry_is_never_truncated() -> None:
    log = log_of(3)
    target = replica(entries=log.slice(1, 3))
    hear(target, append(log, commit_index=3))
    assert target.view().commit_index == 3
    other = log_of(3, epoch=2)
    effects = hear(target, append(other, epoch=2))
    assert [t.kind for t in of_type(effects, j.Tell) if isinstance(t, j.Tell)][-1] == "store_damaged"
    assert target.view().broken
    assert hear(target, append(log, commit_index=3)) == []


def test_a_store_that_holds_less_than_it_acknowledged_gives_up_its_vote() -> None:
    log = log_of(5)
    target = replica(entries=log.slice(1, 2))
    effects = hear(target, append(log, before=2, acknowledged=4))
    reason = "the store was rolled back: it ends at entry 2, and acknowledged entry 4"
    assert j.Tell("store_damaged", {"epoch": 1, "reason": reason}) in effects
    [write] = [e for e in of_type(effects, j.Persist) if isinstance(e, j.Persist) and e.proven is False]
    assert write.incarnation not in (None, "store-1")
    assert not target.view().proven


def test_a_damaged_store_says_so_when_it_is_opened() -> None:
    effects = opened(damage="entry 7 does not match its checksum").handle(j.PeerUp("bravo"), 0)
    assert j.Tell("store_damaged", {"epoch": 0, "reason": "entry 7 does not match its checksum"}) in effects


# --- promises


def test_a_seal_is_answered_once_the_promise_is_durable_and_repeated_when_asked_again() -> None:
    target = replica(entries=log_of(2).slice(1, 2))
    seal = Seal(certificate(0, 1, "bravo", "alpha", "bravo"), LIFE)
    effects = hear(target, seal)
    assert of_type(effects, SealReply) == []
    answered = settle(target, effects)
    assert [granted(reply) for reply in of_type(answered, SealReply)] == [(1, 1, True, 1, 2)]
    again = settle(target, hear(target, seal))
    assert [granted(reply) for reply in of_type(again, SealReply)] == [(1, 1, True, 1, 2)]


def test_a_second_candidate_of_an_epoch_is_refused() -> None:
    target = replica()
    settle(target, hear(target, Seal(certificate(0, 1, "bravo", "alpha", "bravo"), LIFE)))
    rival = certificate(0, 1, "charlie", "alpha", "bravo")
    assert of_type(hear(target, Seal(rival, Life("store-3", Age(1, 1))), sender="charlie"), SealReply) == [
        SealReply(1, 1, granted=False)
    ]
    assert of_type(
        hear(target, PreVote(rival, Life("store-3", Age(1, 1))), sender="charlie"), PreVoteReply
    ) == [PreVoteReply(1, 1, granted=False)]


def test_a_candidate_whose_store_was_older_once_is_refused() -> None:
    target = replica()
    settle(target, hear(target, append(log_of(1), life=Life("store-2", Age(3, 50, 1)))))
    allowed = certificate(0, 2, "bravo", "alpha", "bravo")
    for younger in (Age(2, 60, 2), Age(3, 60, 2), Age(4, 40, 2)):
        life = Life("store-2", younger)
        assert of_type(hear(target, Seal(allowed, life)), SealReply) == [SealReply(2, 1, granted=False)]
        assert of_type(hear(target, PreVote(allowed, life)), PreVoteReply) == [
            PreVoteReply(2, 1, granted=False)
        ]
    assert target.view().promised_epoch == 1
    honest = hear(target, PreVote(allowed, Life("store-2", Age(5, 60, 9))))
    assert of_type(honest, PreVoteReply) == [PreVoteReply(2, 1, granted=True)]


def test_a_forged_seal_changes_nothing() -> None:
    target = replica()
    effects = hear(target, Seal(certificate(0, 9, "bravo", "alpha"), LIFE))
    assert of_type(effects, SealReply) == [SealReply(9, 0, granted=False)]
    assert of_type(effects, j.Persist) == []


def test_a_pre_vote_changes_nothing() -> None:
    target = replica()
    effects = hear(target, PreVote(certificate(0, 1, "bravo", "alpha", "bravo"), LIFE))
    assert of_type(effects, PreVoteReply) == [PreVoteReply(1, 0, granted=True)]
    assert target.view().promised_epoch == 0


def test_nobody_fetches_from_a_replica_that_promised_another() -> None:
    target = replica(entries=log_of(2).slice(1, 2))
    settle(target, hear(target, Seal(certificate(0, 1, "bravo", "alpha", "bravo"), LIFE)))
    fetch = Fetch(1, 0, log_of(1).hash_at(0))
    assert hear(target, fetch, sender="charlie") == []
    assert len(hear(target, fetch)) == 1


def test_certificates_are_bound_to_cluster_epoch_and_candidate() -> None:
    good = certificate(1, 2, "bravo", "alpha", "bravo")

    def check(changed: dict[str, object], *, cluster: str = "trading") -> bool:
        fields = {name: getattr(good, name) for name in good.__struct_fields__} | changed
        made = type(good)(**fields)
        return valid(made, cluster=cluster, needed=2, verify=lambda n, m, s: s == sign(n, m))

    assert check({})
    assert not check({}, cluster="another")
    assert not check({"new_epoch": 3})
    assert not check({"old_epoch": 0})
    assert not check({"candidate": "alpha"})
    assert not check({"signatures": {"alpha": good.signatures["alpha"]}})
    assert not check({"new_epoch": 1})


# --- the shell's bad news


def serving(seed: int = 1) -> World:
    world = World(seed, weather=CALM)
    world.run(50 * MS)
    world.certify("alpha", 1)
    assert world.run(500 * MS, until=lambda: world.primary() == "alpha")
    return world


@pytest.mark.parametrize(("rounds", "entries"), [(0, 10**6), (10**6, 0), (0, 1)])
def test_an_answer_to_what_was_never_said_counts_for_nothing(rounds: int, entries: int) -> None:
    target = replica(entries=log_of(5).slice(1, 5))
    pending = target.handle(j.Certified(certificate(0, 2, "alpha", "alpha", "bravo")), MS)
    pending += hear(target, PreVoteReply(2, 0, granted=True))
    pending += settle(target, pending)
    pending += hear(target, SealReply(2, 2, granted=True, last_epoch=1, last_index=5, life=LIFE))
    [said] = [
        e.message
        for e in pending
        if isinstance(e, j.Send) and isinstance(e.message, Append) and e.to == "bravo"
    ]
    settle(target, pending)
    reply = AppendReply(2, said.round, 2, 6, 6, LIFE, matched=True, proven=True)
    made_up = replace(reply, round=said.round + rounds, match_index=6 + entries)
    hear(target, made_up)
    assert not target.view().serving
    hear(target, reply)
    assert target.view().serving


def test_a_primary_whose_store_fails_steps_down_and_refers_its_clients() -> None:
    world = serving()
    alpha = world.engines["alpha"].replica
    alpha.handle(j.Propose([("client", b"command")]), world.now_ns)
    effects = alpha.handle(j.PersistFailed("disk full"), world.now_ns)
    assert j.Refer(["client"]) in effects
    assert {e.kind for e in of_type(effects, j.Tell) if isinstance(e, j.Tell)} == {
        "store_damaged",
        "primary_stepped_down",
    }
    assert alpha.handle(j.Propose([("late", b"")]), world.now_ns) == [j.Refer(["late"])]
    assert alpha.handle(j.AskReads(["late"]), world.now_ns) == [j.Refer(["late"])]


def test_a_refusal_by_the_store_itself_is_taken_as_damage() -> None:
    world = serving()
    alpha = world.engines["alpha"].replica
    effects = alpha.handle(j.PersistRefused(99, 7), world.now_ns)
    assert j.Tell("append_refused", {"epoch": 1, "promised_epoch": 7}) in effects
    assert alpha.view().role is Role.STANDBY


def test_a_primary_whose_store_hangs_steps_down() -> None:
    world = serving()
    world.disks["alpha"].slow_ns = 3600 * 1000 * MS
    world.propose("alpha", 1)
    world.run(1500 * MS)
    assert "primary_stepped_down" in world.kinds()
    assert world.primary() is None


def test_a_primary_that_was_frozen_hears_its_followers_before_it_judges_them() -> None:
    world = serving()
    for node in ("alpha", "bravo", "charlie"):
        freeze(world, node)
    world.run(2000 * MS)
    for node in ("alpha", "bravo", "charlie"):
        thaw(world, node)
    world.run(500 * MS)
    assert world.primary() == "alpha"
    assert "primary_stepped_down" not in world.kinds()


def test_an_isolated_primary_answers_no_read() -> None:
    world = serving()
    world.isolate("alpha")
    world.engines["alpha"].ask_read(1)
    world.run(2000 * MS)
    assert world.engines["alpha"].reads_answered == []
    assert world.primary() is None


def test_a_read_is_answered_within_a_round_trip() -> None:
    world = serving()
    world.engines["alpha"].ask_read(1)
    assert world.run(3 * MS, until=lambda: world.engines["alpha"].reads_answered == [1])


def test_a_standby_refers_commands_and_reads() -> None:
    world = serving()
    bravo = world.engines["bravo"].replica
    assert bravo.handle(j.Propose([("a", b""), (None, b"")]), world.now_ns) == [j.Refer(["a"])]
    assert bravo.handle(j.AskReads(["b"]), world.now_ns) == [j.Refer(["b"])]


def test_a_lagging_replica_catches_up_in_batches() -> None:
    world = serving()
    world.isolate("charlie")
    for batch in range(3):
        commands: list[tuple[j.Request, bytes]] = [(None, b"x") for _ in range(3000)]
        world.engines["alpha"].tell(j.Propose(commands))
        world.run(20 * MS + batch)
    world.run(700 * MS)
    world.heal()
    world.network.cut.clear()
    world.run(500 * MS)
    assert world.engines["charlie"].replica.view().commit_index == 9001
    assert world.engines["charlie"].replica.view().caught_up


def test_a_candidate_adopts_a_long_log_in_batches() -> None:
    world = serving()
    world.isolate("charlie")
    world.engines["alpha"].tell(j.Propose([(number, b"x") for number in range(2000)]))
    world.run(200 * MS)
    world.network.cut.clear()
    world.isolate("alpha")
    world.certify("charlie", 2)
    assert world.run(1000 * MS, until=lambda: world.primary() == "charlie")
    assert world.engines["charlie"].replica.view().commit_index == 2002


def test_a_candidate_without_a_majority_gives_up() -> None:
    world = World(1, weather=CALM)
    world.run(50 * MS)
    world.isolate("alpha")
    world.certify("alpha", 1)
    world.run(100 * MS)
    assert world.engines["alpha"].replica.view().role is Role.CANDIDATE
    assert world.engines["alpha"].replica.view().promised_epoch == 0, "nothing is promised before a pre-vote"
    world.run(2000 * MS)
    assert world.engines["alpha"].replica.view().role is Role.STANDBY


def test_the_fenced_store_of_the_simulation_refuses_as_the_real_one_does() -> None:
    disk = Disk(Image("x", promise=j.Promise(3, "bravo")))
    assert disk.write(j.Persist(1, 2, entries=log_of(1).slice(1, 1))) == j.PersistRefused(1, 3)
    assert disk.written.entries == []


def test_late_acknowledgement_shows_as_lost_work() -> None:
    """The coarse mistake by hand: acknowledged by one disk, and gone with it."""
    world = World(
        1, weather=CALM, defects=frozenset({Defect.ACKNOWLEDGE_BEFORE_REPLICATION}), judged=BY_DEEDS
    )
    world.run(50 * MS)
    world.certify("alpha", 1)
    assert world.run(500 * MS, until=lambda: world.primary() == "alpha")
    world.run(200 * MS)
    world.propose("alpha", 1)
    assert world.run(30 * MS, until=lambda: 1 in world.judge.acked)
    held = [
        node
        for node in ("bravo", "charlie")
        if len(world.disks[node].written.entries) >= world.judge.acked[1].index
    ]
    assert held == []
