"""Schedules by chance: each generator finds what the others miss.

`uniform` strikes at any time, `swarm` draws for each schedule which kinds of fault it has and how hard they are (A. Groce
and others, "Swarm Testing", 2012), `keyed` strikes around the protocol's own events, and `harmless` does only what is no
reason to replace a primary. `rivals` has primaries in quick succession, `hostile` attackers, and `forgetful` a disk that
lies, or was put back to a backup.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from trading_stack.journal.config import SNAPSHOT_EVERY
from trading_stack.simulation import faults as f
from trading_stack.simulation.draws import Draws
from trading_stack.simulation.forgetful import forgetful
from trading_stack.simulation.harmless import MOST_DRIFT_PPM, harmless
from trading_stack.simulation.hostile import hostile
from trading_stack.simulation.network import MS, NODES
from trading_stack.simulation.rivals import rivals
from trading_stack.simulation.schedule import Action, At, Load, Moment, Schedule, When

Generator = Callable[[int], Schedule]
SENTINELS_STORM_NS: Final = 3000 * MS
ORACLE_STORM_NS: Final = 1500 * MS
ANYBODY: Final = (*NODES, "primary", "standby")
EVENTS: Final = (
    "election_started",
    "promise_made",
    "log_sealed",
    "primary_promoted",
    "entries_committed",
    "primary_stepped_down",
    "replica_caught_up",
    "append_refused",
)
EVENTS_OF_SENTINELS: Final = (
    "primary_suspected",
    "majority_suspected",
    "failover_decided",
    "certificate_issued",
)


def uniform(seed: int) -> Schedule:
    """Any faults at any times."""
    draws = Draws(seed)
    schedule = _ground(draws, seed)
    kinds = _kinds(schedule)
    actions = [
        Action(_any_time(draws, schedule), _fault(draws, draws.pick(kinds), hardness=1.0))
        for _ in range(draws.between(2, 12))
    ]
    return _with(schedule, actions)


def swarm(seed: int) -> Schedule:
    """A few kinds of fault, some rarer and some harder than others."""
    draws = Draws(seed)
    schedule = _ground(draws, seed)
    kinds = [kind for kind in _kinds(schedule) if draws.chance(0.35)] or [draws.pick(_kinds(schedule))]
    hardness = {kind: draws.pick((0.1, 0.5, 1.0, 2.0)) for kind in kinds}
    actions = []
    for _ in range(draws.between(2, 18)):
        kind = draws.pick(kinds)
        actions.append(Action(_any_time(draws, schedule), _fault(draws, kind, hardness=hardness[kind])))
    return _with(schedule, actions)


def keyed(seed: int) -> Schedule:
    """Something that makes the cluster move, and faults in the middle of what follows."""
    draws = Draws(seed)
    schedule = _ground(draws, seed)
    events = EVENTS + EVENTS_OF_SENTINELS if schedule.sentinels else EVENTS
    kinds = _kinds(schedule)
    actions = []
    for _ in range(draws.between(1, 2)):
        mover = draws.pick(("Kill", "PowerCut", "Isolate", "Freeze") if schedule.sentinels else ("Certify",))
        actions.append(Action(_any_time(draws, schedule), _fault(draws, mover, hardness=1.0)))
    for _ in range(draws.between(1, 5)):
        event = draws.pick(events)
        nth = draws.between(1, 40 if event == "entries_committed" else 5)
        after_ns = draws.pick((0, draws.below(3 * MS), draws.below(30 * MS)))
        fault = _fault(
            draws, draws.pick(kinds), hardness=draws.pick((0.2, 1.0)), anybody=(*ANYBODY, "teller")
        )
        actions.append(Action(When(event, nth, after_ns), fault))
    return _with(schedule, actions)


GENERATORS: Final[dict[str, Generator]] = {
    "uniform": uniform,
    "swarm": swarm,
    "keyed": keyed,
    "rivals": rivals,
    "hostile": hostile,
    "forgetful": forgetful,
    "harmless": harmless,
}


# --- parts of schedules


def _ground(draws: Draws, seed: int) -> Schedule:
    sentinels = draws.chance(0.5)
    return Schedule(
        seed=seed,
        sentinels=sentinels,
        load=Load(commands_per_s=draws.pick((2, 10, 30)), reads_per_s=draws.pick((0, 3))),
        drift_ppm=draws.below(MOST_DRIFT_PPM),
        snapshot_every=draws.pick((4, 20, SNAPSHOT_EVERY)),
        storm_ns=SENTINELS_STORM_NS if sentinels else ORACLE_STORM_NS,
    )


def _with(schedule: Schedule, actions: list[Action]) -> Schedule:
    """The schedule with these actions; without sentinels, an oracle elects somebody now and then."""
    if not schedule.sentinels:
        draws = Draws(schedule.seed + 1)
        certificates = [
            Action(_any_time(draws, schedule), f.Certify(node=draws.pick(NODES)))
            for _ in range(draws.between(1, 6))
        ]
        actions = [Action(At(60 * MS), f.Certify(node=draws.pick(NODES))), *certificates, *actions]
    return msgspec.structs.replace(schedule, actions=tuple(actions))


def _any_time(draws: Draws, schedule: Schedule) -> Moment:
    return At(100 * MS + draws.below(schedule.storm_ns - 200 * MS))


def _kinds(schedule: Schedule) -> tuple[str, ...]:
    return (*MAKERS, "HandOver") if schedule.sentinels else (*MAKERS, "Certify", "Certify")


def _fault(draws: Draws, kind: str, *, hardness: float, anybody: tuple[str, ...] = ANYBODY) -> f.AnyFault:
    if kind == "Certify":
        return f.Certify(node=draws.pick(NODES))
    if kind == "HandOver":
        return f.HandOver(node=draws.pick(NODES))
    lasts_ns = 1 + int(draws.pick((20, 150, 800)) * MS * hardness * draws.unit())
    return MAKERS[kind](draws, draws.pick(anybody), lasts_ns)


def _storm(draws: Draws, _: str, lasts_ns: int) -> f.AnyFault:
    return f.Storm(
        lasts_ns=lasts_ns,
        delay_ns=draws.pick((1, 2, 20)) * MS,
        jitter_ns=draws.pick((1, 5, 40)) * MS,
        lost=draws.pick((0.0, 0.02, 0.2)),
        doubled=draws.pick((0.0, 0.05)),
        ordered=draws.chance(0.3),
    )


def _cut(draws: Draws, node: str, lasts_ns: int) -> f.AnyFault:
    return f.Cut(lasts_ns=lasts_ns, node=node, other=draws.pick(ANYBODY), both=draws.chance(0.5))


MAKERS: Final[dict[str, Callable[[Draws, str, int], f.AnyFault]]] = {
    "Kill": lambda draws, node, ns: f.Kill(ns, node, draws.pick(("both", "engine", "sentinel"))),
    "PowerCut": lambda _, node, ns: f.PowerCut(ns, node),
    "Wipe": lambda _, node, ns: f.Wipe(ns, node),
    "Freeze": lambda draws, node, ns: f.Freeze(ns, node, draws.pick(("both", "engine", "sentinel"))),
    "Isolate": lambda _, node, ns: f.Isolate(ns, node),
    "Cut": _cut,
    "Reset": lambda _, node, ns: f.Reset(ns, node),
    "Stall": lambda _, node, ns: f.Stall(ns, node),
    "Storm": _storm,
    "SlowDisk": lambda draws, node, ns: f.SlowDisk(ns, node, draws.pick((5, 50, 400)) * MS),
    "FullDisk": lambda _, node, ns: f.FullDisk(ns, node),
    "Propose": lambda draws, node, ns: f.Propose(ns, node, draws.pick((1, 20)), draws.pick((16, 600_000))),
}
