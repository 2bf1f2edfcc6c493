"""Schedules of one store that forgets: it is put back to a backup, or its disk lies about fsyncs and the power fails.

What is promised, and so what is played: while one store has forgotten and does not know it yet, both other providers run
on, and can be reached. They hold all that was acknowledged, and they tell the store how old it was. Two stores that
forget, or one that does while the only other holder of an entry is away, may lose what was acknowledged: no protocol of
three can know better. So all that befalls here befalls one provider, but for what neither ends a process nor a link.
"""

from __future__ import annotations

from typing import Final

from trading_stack.journal.config import SNAPSHOT_EVERY
from trading_stack.simulation import faults as f
from trading_stack.simulation.draws import Draws
from trading_stack.simulation.network import MS, NODES
from trading_stack.simulation.schedule import Action, At, Load, Moment, Schedule, When

FIRST: Final = NODES[0]  # whom sentinels elect first
OF_ANY: Final = {"entries_committed": 2, "replica_caught_up": 2, "store_damaged": 1}
"""How often each is told, at least, whichever provider's store forgets and fails."""
OF_THE_FIRST: Final = {
    **OF_ANY,
    "primary_suspected": 2,
    "promise_made": 2,
    "log_sealed": 1,
    "primary_promoted": 1,
}


def forgetful(seed: int) -> Schedule:
    """One provider whose disk can't be relied upon, and what else may befall that provider: half the time the primary's."""
    draws = Draws(seed)
    node = draws.pick((FIRST, *NODES))
    actions = []
    for _ in range(draws.between(1, 3)):
        actions += _forgets(draws, node)
    begins_ns = min(action.moment.ns for action in actions if isinstance(action.moment, At))
    for _ in range(draws.between(0, 4)):
        actions.append(Action(_moment(draws, node, begins_ns), _other(draws, node)))
    return Schedule(
        seed=seed,
        actions=tuple(actions),
        load=Load(commands_per_s=draws.pick((2, 10, 30)), reads_per_s=3),
        drift_ppm=draws.below(200),
        snapshot_every=draws.pick((4, 20, SNAPSHOT_EVERY)),
        storm_ns=3000 * MS,
    )


def _forgets(draws: Draws, node: str) -> list[Action]:
    at_ns, lasts_ns = 500 * MS + draws.below(1500 * MS), draws.between(20, 700) * MS
    if draws.chance(0.5):
        return [Action(At(at_ns), f.Rollback(lasts_ns, node))]
    cut = Action(At(at_ns + draws.below(lasts_ns)), f.PowerCut(draws.between(1, 300) * MS, node))
    return [Action(At(at_ns), f.LyingDisk(lasts_ns, node)), cut]


def _moment(draws: Draws, node: str, from_ns: int) -> Moment:
    if draws.chance(0.5):
        return At(500 * MS + draws.below(2000 * MS))
    told = OF_THE_FIRST if node == FIRST else OF_ANY
    event = draws.pick(tuple(told))
    return When(event, draws.between(1, told[event]), draws.below(30 * MS), from_ns)


def _other(draws: Draws, node: str) -> f.AnyFault:
    lasts_ns = draws.between(1, 300) * MS
    others: tuple[f.AnyFault, ...] = (
        f.Kill(lasts_ns, node, draws.pick(("both", "engine"))),
        f.Freeze(lasts_ns, node, draws.pick(("both", "engine", "sentinel"))),
        f.Stall(min(lasts_ns, 200 * MS), node),
        f.SlowDisk(lasts_ns, draws.pick(NODES), draws.pick((5, 20)) * MS),
        f.Propose(0, "primary", draws.pick((1, 20))),
        f.HandOver(node=draws.pick(NODES)),
    )
    return draws.pick(others)
