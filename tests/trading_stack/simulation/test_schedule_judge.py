"""Each rule on the smallest world that breaks it, and that it holds where it should."""

from __future__ import annotations

import msgspec
import pytest

from trading_stack.defects import Defect
from trading_stack.journal.config import Config
from trading_stack.journal.entries import Entry
from trading_stack.journal.events import Promise
from trading_stack.journal.image import Image
from trading_stack.journal.log import Log
from trading_stack.journal.messages import AppendReply
from trading_stack.simulation import recovery, world
from trading_stack.simulation.directed import DIRECTED
from trading_stack.simulation.disk import Disk
from trading_stack.simulation.nemesis import Nemesis
from trading_stack.simulation.network import MS, NODES
from trading_stack.simulation.playing import run
from trading_stack.simulation.rules import EVERY_RULE, Rule, Violation
from trading_stack.simulation.schedule import Schedule
from trading_stack.simulation.world import World


def log_of(count: int, *, epoch: int = 1) -> list[Entry]:
    log = Log()
    return [log.write(epoch, 0, b"epoch %d" % number) for number in range(count)]


def stores(**entries: list[Entry]) -> World:
    """A world whose stores hold these entries, and may vote."""
    made = World(1)
    for node in NODES:
        made.disks[node] = Disk(Image(node, proven=True, entries=entries[node]))
    return made


def broken(made: World, rule: Rule) -> pytest.RaisesExc[Violation]:
    return pytest.raises(Violation, match=f"^{rule} at")


def test_what_is_committed_must_be_in_the_greatest_log_of_each_majority() -> None:
    entries = log_of(3)
    held = stores(alpha=entries, bravo=entries, charlie=[])
    held.judge.on_commit("alpha", entries[0], 0)
    lost = stores(alpha=entries, bravo=[], charlie=[])
    with broken(lost, Rule.RECOVERABLE):
        lost.judge.on_commit("alpha", entries[0], 0)


def test_a_log_of_a_later_epoch_wins_whatever_its_length() -> None:
    entries = log_of(3)
    masked = stores(alpha=entries, bravo=entries, charlie=log_of(1, epoch=2))
    with broken(masked, Rule.RECOVERABLE):
        masked.judge.on_commit("alpha", entries[0], 0)


def test_a_store_without_a_vote_elects_nobody() -> None:
    entries = log_of(1)
    made = stores(alpha=entries, bravo=entries, charlie=[])
    made.disks["charlie"].written.proven = False
    made.judge.on_commit("alpha", entries[0], 0)
    made.disks["bravo"] = Disk(Image("new"))
    made.judge.check_recoverable()  # one voter is no majority: nobody can be elected at all


def test_committed_prefixes_agree() -> None:
    made = stores(**{node: log_of(2) for node in NODES})
    made.judge.on_commit("alpha", log_of(1)[0], 0)
    made.judge.on_commit("bravo", log_of(1)[0], 0)
    with broken(made, Rule.PREFIX):
        made.judge.on_commit("bravo", log_of(1, epoch=2)[0], 0)


def test_a_snapshot_holds_what_was_committed() -> None:
    made = stores(**{node: log_of(2) for node in NODES})
    made.judge.on_commit("alpha", log_of(1)[0], 0)
    made.judge.on_restored("bravo", [log_of(1)[0].hash])
    with broken(made, Rule.PREFIX):
        made.judge.on_restored("bravo", [log_of(1, epoch=2)[0].hash])
    with broken(made, Rule.PREFIX):
        made.judge.on_restored("bravo", [entry.hash for entry in log_of(2)])


def test_one_leader_commits_in_an_epoch() -> None:
    made = World(1)
    told: dict[str, str | int] = {"epoch": 4, "first_index": 1, "last_index": 1}
    made.tell("alpha", "entries_committed", told)
    made.tell("alpha", "entries_committed", told)
    with broken(made, Rule.ONE_COMMITTER):
        made.tell("bravo", "entries_committed", told)


def reply(*, epoch: int, promised_epoch: int, matched: bool) -> AppendReply:
    life = World(1).engines["alpha"].replica._core.life()
    return AppendReply(epoch, 1, promised_epoch, 1, 0, life, matched, proven=True)


def test_nothing_is_accepted_below_a_promise() -> None:
    made = World(1)
    made.disks["bravo"].written.promise = Promise(5, "charlie")
    for fine in (
        reply(epoch=4, promised_epoch=5, matched=False),
        reply(epoch=4, promised_epoch=5, matched=True),  # written before the promise, and says so
        reply(epoch=5, promised_epoch=5, matched=True),
    ):
        made.judge.on_reply("bravo", fine)
    with broken(made, Rule.FENCE):
        made.judge.on_reply("bravo", reply(epoch=4, promised_epoch=4, matched=True))


def test_a_promise_never_falls() -> None:
    made = World(1)
    made.judge.on_promise("bravo", 3, 3)
    with broken(made, Rule.FENCE):
        made.judge.on_promise("bravo", 3, 2)


def test_a_read_shows_what_was_acknowledged_before_it_was_asked() -> None:
    made = World(1)
    made.judge.on_ack(1, log_of(2)[1])
    made.judge.on_read_asked(7)
    made.judge.on_read_answered("alpha", 7, applied=2)
    with broken(made, Rule.FRESH_READS):
        made.judge.on_read_answered("alpha", 7, applied=1)


def test_what_was_acknowledged_is_on_every_replica_at_the_end() -> None:
    made, entries = World(1), log_of(2)
    made.judge.on_ack(1, entries[1])
    for engine in made.engines.values():
        engine.applied = [entry.hash for entry in entries]
    made.judge.check_end()
    made.engines["charlie"].applied.pop()
    with broken(made, Rule.KEPT):
        made.judge.check_end()


def test_a_cluster_that_does_not_come_back_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    schedule = Schedule(seed=1, storm_ns=300 * MS)
    assert run(schedule).finding is None
    monkeypatch.setattr(recovery, "RECOVERY_NS", 100 * MS)
    monkeypatch.setattr(world.World, "propose", lambda *_: None)
    finding = run(schedule).finding
    assert finding is not None
    assert finding.rule is Rule.PROGRESS
    assert "alpha: primary" in finding.summary


def test_a_protocol_that_needs_all_three_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Config, "majority", property(lambda _: 3))
    finding = run(Schedule(seed=1, storm_ns=600 * MS)).finding
    assert finding is not None
    assert finding.rule is Rule.PROGRESS
    assert len(finding.nodes) == 2
    assert "3000 ms after all but" in finding.summary


def test_two_of_three_are_asked_to_get_on_and_to_spare_a_primary_that_works() -> None:
    calm = msgspec.structs.replace(Schedule(seed=1, storm_ns=600 * MS), harmless=True)
    for seed in range(4):
        outcome = run(msgspec.structs.replace(calm, seed=seed))
        assert outcome.finding is None
        assert outcome.majority_ns is not None
        assert outcome.promotions == 1
    assert run(Schedule(seed=1, sentinels=False, storm_ns=300 * MS)).majority_ns is None


def test_two_of_which_one_forgot_are_not() -> None:
    made = World(1, sentinels=True)
    made.run(600 * MS)
    made.forgot.update({node: disk.written.incarnation for node, disk in made.disks.items()})
    nemesis = Nemesis(made, Schedule(seed=1))
    assert recovery.judge_majority(made, nemesis, recovery.Probes(made), 1) is None


def test_a_schedule_without_end_has_a_verdict_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "EVENTS_A_SECOND", 100)
    finding = run(Schedule(seed=1, storm_ns=900 * MS)).finding
    assert finding is not None
    assert finding.rule is Rule.BOUNDED


def test_a_rule_that_is_not_judged_breaks_nothing() -> None:
    case = DIRECTED[Defect.SPLIT_BRAIN_LOCAL_VOTE]
    found = []
    judged = EVERY_RULE
    for _ in range(3):
        finding = run(case.schedule, frozenset({case.defect}), judged=judged).finding
        assert finding is not None
        found.append(finding.rule)
        judged -= {finding.rule}
    assert len(set(found)) == 3


def test_a_finding_is_data() -> None:
    case = DIRECTED[Defect.NO_FENCING]
    finding = run(case.schedule, frozenset({case.defect})).finding
    assert finding is not None
    again = msgspec.json.decode(msgspec.json.encode(finding), type=type(finding))
    assert again == finding
    assert {"nemesis", "alpha", "bravo"} <= {event.node for event in finding.events}


def test_an_entry_is_applied_to_the_state_that_it_follows() -> None:
    made = stores(**{node: log_of(2) for node in NODES})
    made.judge.on_commit("alpha", log_of(2)[0], 0)
    with broken(made, Rule.PREFIX):
        made.judge.on_commit("alpha", log_of(2)[1], 0)
