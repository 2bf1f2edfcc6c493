"""Schedules made by hand, one for each planted defect of the protocol, with the rule that anybody could see broken."""

from __future__ import annotations

from typing import Final

import msgspec

from trading_stack.defects import Defect
from trading_stack.simulation import faults as f
from trading_stack.simulation.case import Case
from trading_stack.simulation.network import MS
from trading_stack.simulation.rules import Rule
from trading_stack.simulation.schedule import Action, At, Load, Schedule, When

QUIET: Final = Load(commands_per_s=0, reads_per_s=0)


def at(ms: float, fault: f.AnyFault) -> Action:
    return Action(At(int(ms * MS)), fault)


def after(event: str, nth: int, fault: f.AnyFault) -> Action:
    return Action(When(event, nth), fault)


def _by_oracle(*actions: Action, storm_ms: int = 1200, seed: int = 1) -> Schedule:
    return Schedule(
        seed=seed, actions=actions, load=QUIET, sentinels=False, drift_ppm=0, storm_ns=storm_ms * MS
    )


def _by_sentinels(*actions: Action, harmless: bool = False, commands_per_s: int = 10) -> Schedule:
    load = Load(commands_per_s=commands_per_s, reads_per_s=0, astray=0.5)
    return Schedule(seed=1, actions=actions, load=load, harmless=harmless, drift_ppm=0, storm_ns=2500 * MS)


def lonely_acknowledgement() -> Schedule:
    """Alpha is cut off, and acknowledges; then it is gone, and bravo leads."""
    return _by_oracle(
        at(60, f.Certify(node="alpha")),
        at(300, f.Isolate(500 * MS, "alpha")),
        at(310, f.Propose(node="alpha")),
        at(400, f.Certify(node="bravo")),
        at(500, f.Propose(node="bravo")),
    )


def deposed_primary_goes_on() -> Schedule:
    """Alpha misses that bravo was elected, comes back, and asks followers to take what it orders."""
    return _by_oracle(
        at(60, f.Certify(node="alpha")),
        at(300, f.Isolate(400 * MS, "alpha")),
        at(320, f.Certify(node="bravo")),
        at(450, f.Propose(node="bravo")),
        at(750, f.Propose(node="alpha")),
    )


def longest_tail() -> Schedule:
    """Alpha writes a long tail that nobody has; bravo and charlie commit less, in a later epoch."""
    return _by_oracle(
        at(60, f.Certify(node="alpha")),
        at(200, f.Isolate(400 * MS, "alpha")),
        at(210, f.Propose(node="alpha", count=20)),
        at(300, f.Certify(node="bravo")),
        at(400, f.Propose(node="bravo")),
        at(600, f.Isolate(400 * MS, "bravo")),
        at(650, f.Certify(node="alpha")),
    )


def forgotten_promise() -> Schedule:
    """Charlie seals for bravo, crashes, and forgets; the old primary then commits with charlie's help."""
    return _by_oracle(
        at(60, f.Certify(node="alpha")),
        at(200, f.Cut(900 * MS, "alpha", "bravo", both=True)),
        at(250, f.Certify(node="bravo")),
        after("log_sealed", 2, f.Cut(500 * MS, "bravo", "charlie", both=True)),
        after("log_sealed", 2, f.Kill(10 * MS, "charlie")),
        at(600, f.Propose(node="alpha")),
        storm_ms=1500,
    )


def figure_eight() -> Schedule:
    """Raft's figure 8: an entry of epoch 2 reaches a majority in epoch 4, while charlie's log ends in epoch 3."""
    return _by_oracle(
        at(60, f.Certify(node="alpha")),
        at(150, f.Certify(node="alpha")),
        at(200, f.Isolate(150 * MS, "alpha")),
        at(205, f.Propose(node="alpha", size_bytes=600_000)),  # fills a whole message by itself
        at(250, f.Certify(node="charlie")),
        after("log_sealed", 3, f.Isolate(300 * MS, "charlie")),
        at(300, f.Kill(800 * MS, "charlie")),
        at(320, f.Kill(10 * MS, "alpha")),  # it waits in vain for what charlie might tell it
        at(900, f.Certify(node="alpha")),
        at(906, f.SlowDisk(300 * MS, "bravo", each_ns=20 * MS)),  # two messages are two transactions
        after("entries_committed", 4, f.Isolate(1400 * MS, "alpha")),
        after("entries_committed", 4, f.PowerCut(50 * MS, "bravo")),
        at(1500, f.Certify(node="charlie")),
        storm_ms=2500,
    )


def wiped_voter() -> Schedule:
    """Bravo and alpha commit without charlie; bravo is wiped, and helps charlie to lead."""
    return _by_oracle(
        at(60, f.Certify(node="alpha")),
        at(200, f.Isolate(200 * MS, "charlie")),
        at(250, f.Propose(node="alpha")),
        at(350, f.Wipe(20 * MS, "bravo")),
        at(360, f.Isolate(700 * MS, "alpha")),
        at(650, f.Certify(node="charlie")),
    )


def power_fails_everywhere() -> Schedule:
    """A command is acknowledged, and then the power fails at all providers."""
    return _by_oracle(
        at(1000, f.Certify(node="alpha")),
        at(2500, f.Propose(node="alpha")),
        after("entries_committed", 2, f.PowerCut(50 * MS, "alpha")),
        after("entries_committed", 2, f.PowerCut(50 * MS, "bravo")),
        after("entries_committed", 2, f.PowerCut(50 * MS, "charlie")),
        storm_ms=4000,
        seed=5,  # one of those in which nobody saw more of another's store than what that store keeps
    )


def primary_cut_off() -> Schedule:
    """The primary is cut off from the others while clients of all providers go on."""
    return _by_sentinels(at(800, f.Isolate(1200 * MS)), commands_per_s=30)


def snapshot_without_promise() -> Schedule:
    """Charlie follows bravo, takes a snapshot, and is started again; then alpha, deposed long ago, asks for its help."""
    schedule = _by_oracle(
        at(60, f.Certify(node="alpha")),
        at(200, f.Isolate(400 * MS, "alpha")),
        at(220, f.Certify(node="bravo")),
        at(300, f.Propose(node="bravo", count=30)),
        at(480, f.Isolate(900 * MS, "bravo")),
        at(500, f.Kill(20 * MS, "charlie")),
        at(930, f.Propose(node="alpha", count=3)),  # charlie has waited for bravo in vain
        storm_ms=1500,
    )
    return msgspec.structs.replace(schedule, snapshot_every=20)


def stalled_links() -> Schedule:
    """Nothing on the primary's links moves for 200 ms, now and then."""
    return _by_sentinels(
        at(800, f.Stall(200 * MS)), at(1300, f.Stall(200 * MS)), at(1800, f.Stall(200 * MS)), harmless=True
    )


def repeated_frames() -> Schedule:
    """An attacker repeats to the primary what a standby once said to it."""
    return _by_oracle(at(60, f.Certify(node="alpha")), at(500, f.Replay(node="bravo", other="alpha")))


def forged_heartbeat() -> Schedule:
    """An attacker without keys tells sentinels that a standby leads a newer epoch."""
    return _by_sentinels(at(800, f.Forge(100 * MS, "bravo")), harmless=True)


DIRECTED: Final = {
    case.defect: case
    for case in (
        Case(Defect.ACKNOWLEDGE_BEFORE_REPLICATION, Rule.PREFIX, lonely_acknowledgement()),
        Case(Defect.NO_FENCING, Rule.PREFIX, deposed_primary_goes_on()),
        Case(Defect.CANDIDATE_BY_LOG_LENGTH, Rule.PREFIX, longest_tail()),
        Case(Defect.PROMISE_NOT_DURABLE, Rule.PREFIX, forgotten_promise()),
        Case(Defect.OLDER_EPOCH_COMMITTED, Rule.PREFIX, figure_eight()),
        Case(Defect.WIPED_REPLICA_VOTES, Rule.PREFIX, wiped_voter()),
        Case(Defect.SNAPSHOT_FORGETS_PROMISE, Rule.PREFIX, snapshot_without_promise()),
        Case(Defect.LOST_FSYNC, Rule.KEPT, power_fails_everywhere()),
        Case(Defect.SPLIT_BRAIN_LOCAL_VOTE, Rule.PREFIX, primary_cut_off()),
        Case(Defect.NAIVE_TIMEOUT, Rule.NO_NEEDLESS_FAILOVER, stalled_links()),
        Case(Defect.REPLAY_ACCEPTED, Rule.AUTHENTIC, repeated_frames()),
        Case(Defect.UNAUTHENTICATED_HEARTBEAT, Rule.NO_NEEDLESS_FAILOVER, forged_heartbeat()),
    )
}
