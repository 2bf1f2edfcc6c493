"""Schedules of attacks: a stranger who forges and repeats, and one sentinel gone bad, alone or while providers fail.

Half of them have nothing else in them: then nobody may fail over, since a single vote is never enough. In the others the
primary fails, too, long enough to be replaced, and attackers strike at the steps of that failover; another provider may
fail as well. While a sentinel is bad and another is down, nobody need fail over; safety holds all the same.
"""

from __future__ import annotations

from typing import Final

from trading_stack.simulation import faults as f
from trading_stack.simulation.draws import Draws
from trading_stack.simulation.network import MS, NODES
from trading_stack.simulation.schedule import Action, At, Load, Moment, Schedule, When

MOMENTS: Final = {  # how often one failover tells of each, at least
    "primary_suspected": 2,
    "majority_suspected": 2,
    "certificate_issued": 1,
    "election_started": 1,
    "promise_made": 2,
    "log_sealed": 1,
}


def hostile(seed: int) -> Schedule:
    """Attacks at any time, and around the steps of a failover where there is one."""
    draws = Draws(seed)
    harmless = draws.chance(0.5)
    actions = [Action(_any_time(draws), _attack(draws)) for _ in range(draws.between(2, 5))]
    if draws.chance(0.7):
        rogue = draws.pick(NODES)
        actions += [
            Action(_any_time(draws), f.Betray(draws.between(100, 900) * MS, rogue))
            for _ in range(draws.between(1, 3))
        ]
    if not harmless:
        actions += _failover(draws)
    return Schedule(
        seed=seed,
        actions=tuple(actions),
        load=Load(commands_per_s=draws.pick((2, 10)), reads_per_s=3),
        harmless=harmless,
        drift_ppm=draws.below(200),
        storm_ns=2500 * MS,
    )


def _failover(draws: Draws) -> list[Action]:
    """The primary fails, perhaps another provider, too; and attacks around the steps that follow."""
    fails_ns = 700 * MS + draws.below(1000 * MS)
    actions = [Action(At(fails_ns), _failure(draws, "primary", draws.between(300, 900)))]
    if draws.chance(0.5):
        actions.append(Action(_any_time(draws), _failure(draws, draws.pick(NODES), draws.between(50, 900))))
    for _ in range(draws.between(1, 3)):
        event = draws.pick(tuple(MOMENTS))
        moment = When(event, draws.between(1, MOMENTS[event]), draws.below(20 * MS), fails_ns)
        actions.append(Action(moment, _attack(draws)))
    return actions


def _any_time(draws: Draws) -> Moment:
    return At(700 * MS + draws.below(1500 * MS))


def _attack(draws: Draws) -> f.AnyFault:
    source = draws.pick(NODES)
    target = draws.pick([node for node in NODES if node != source])
    attacks: tuple[f.AnyFault, ...] = (
        f.Replay(0, source, target),
        f.Forge(draws.between(20, 400) * MS, source),
    )
    return draws.pick(attacks)


def _failure(draws: Draws, node: str, lasts_ms: int) -> f.AnyFault:
    lasts_ns = lasts_ms * MS
    failures: tuple[f.AnyFault, ...] = (
        f.Kill(lasts_ns, node),
        f.PowerCut(lasts_ns, node),
        f.Isolate(lasts_ns, node),
        f.Freeze(lasts_ns, node),
    )
    return draws.pick(failures)
