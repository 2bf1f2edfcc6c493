"""Schedules of rivals: several primaries in quick succession, each of which leaves something that is not settled.

What makes a rule of elections matter is always alike: a primary writes what reaches too few, is cut off or dies, others
lead meanwhile, and then somebody comes back who knows only a part of it. So a schedule is a row of reigns. Each has a
lead that an oracle certifies, an end that comes while the reign begins (keyed to its promise, seal, promotion or
commits), commands before and after that end, and perhaps a voter that crashes, or a disk that is slow, in between. What
keeps a lead away may last for some reigns; those who led before are certified again more often than not.
"""

from __future__ import annotations

from typing import Final

from trading_stack.journal.config import SNAPSHOT_EVERY
from trading_stack.simulation import faults as f
from trading_stack.simulation.draws import Draws
from trading_stack.simulation.network import MS, NODES
from trading_stack.simulation.schedule import Action, At, Load, Moment, Schedule, When

MOMENTS: Final = ("promise_made", "log_sealed", "primary_promoted", "entries_committed")
SIZES: Final = (16, 16, 16, 600_000)  # bytes; the last fills a message by itself
GAPS_NS: Final = (40 * MS, 120 * MS, 250 * MS)
OVERLAP_NS: Final = 4 * MS  # from one candidate's certificate to its rival's
STORM_NS: Final = 1800 * MS
MOST_REIGNS: Final = 7
LATEST_NS: Final = STORM_NS - 300 * MS


def rivals(seed: int) -> Schedule:
    """A row of reigns, certified by an oracle: safety must not depend on when or to whom."""
    draws = Draws(seed)
    actions: list[Action] = []
    leads: list[str] = []
    at_ns, usual_ns = 60 * MS, draws.pick(GAPS_NS)
    while at_ns < LATEST_NS and len(leads) < MOST_REIGNS:
        gap_ns = (OVERLAP_NS if draws.chance(0.15) else usual_ns) + draws.below(40 * MS)
        leads.append(_lead(draws, leads))
        actions += _reign(draws, leads[-1], at_ns, gap_ns)
        at_ns += gap_ns
    return Schedule(
        seed=seed,
        actions=tuple(actions),
        load=Load(commands_per_s=draws.pick((0, 2, 10)), reads_per_s=draws.pick((0, 3))),
        sentinels=False,
        drift_ppm=draws.below(200),
        snapshot_every=draws.pick((20, SNAPSHOT_EVERY)),
        storm_ns=min(STORM_NS, at_ns + 300 * MS),
    )


def _lead(draws: Draws, before: list[str]) -> str:
    """Somebody else than the last; one who led before, rather than not."""
    others = [node for node in NODES if node not in before[-1:]]
    returning = [node for node in others if node in before]
    return draws.pick(returning) if returning and draws.chance(0.6) else draws.pick(others)


def _reign(draws: Draws, lead: str, at_ns: int, gap_ns: int) -> list[Action]:
    followers = [node for node in NODES if node != lead]
    actions = [Action(At(at_ns), f.Certify(node=lead))]
    if draws.chance(0.8):
        actions.append(Action(_end_of(draws, at_ns, gap_ns), _end(draws, lead, followers, gap_ns)))
    for _ in range(draws.between(0, 2)):
        wanted = f.Propose(0, lead, draws.pick((1, 1, 3, 20)), draws.pick(SIZES))
        actions.append(Action(At(at_ns + draws.below(gap_ns)), wanted))
    if draws.chance(0.4):
        actions.append(Action(_within(draws, at_ns, gap_ns), _shaken(draws, draws.pick(followers))))
    if draws.chance(0.3):
        slow = f.SlowDisk(2 * gap_ns, draws.pick(NODES), draws.pick((5, 20, 60)) * MS)
        actions.append(Action(At(at_ns + draws.below(gap_ns)), slow))
    return actions


def _end_of(draws: Draws, at_ns: int, gap_ns: int) -> Moment:
    """When a reign ends: as soon as it begins, before anything of it is replicated; or around one of its steps."""
    return When("log_sealed", 1, 0, at_ns) if draws.chance(0.4) else _within(draws, at_ns, gap_ns)


def _within(draws: Draws, at_ns: int, gap_ns: int) -> Moment:
    """A moment of this reign: around one of its steps, or at any time."""
    if draws.chance(0.2):
        return At(at_ns + draws.below(gap_ns))
    after_ns = draws.pick((0, 0, draws.below(3 * MS), draws.below(30 * MS)))
    return When(draws.pick(MOMENTS), draws.between(1, 2), after_ns, at_ns)


def _end(draws: Draws, lead: str, followers: list[str], gap_ns: int) -> f.AnyFault:
    """What takes the lead away, for a part of this reign or for some reigns more."""
    lasts_ns = 1 + int(gap_ns * draws.pick((0.5, 1.0, 2.0, 3.0)) * (0.7 + 0.6 * draws.unit()))
    ends: tuple[f.AnyFault, ...] = (
        f.Isolate(lasts_ns, lead),
        f.Isolate(lasts_ns, lead),
        f.Isolate(lasts_ns, lead),
        f.Cut(lasts_ns, lead, draws.pick(followers), both=draws.chance(0.7)),
        f.Kill(lasts_ns, lead),
        f.PowerCut(lasts_ns, lead),
        f.Freeze(lasts_ns, lead),
    )
    return draws.pick(ends)


def _shaken(draws: Draws, node: str) -> f.AnyFault:
    """A crash of a voter that is soon over."""
    lasts_ns = draws.pick((5, 20, 60)) * MS
    crashes: tuple[f.AnyFault, ...] = (f.Kill(lasts_ns, node), f.PowerCut(lasts_ns, node))
    return draws.pick(crashes)
