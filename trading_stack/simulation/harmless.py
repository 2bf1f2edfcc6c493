"""Schedules of what is no reason to replace a primary: one kind of disturbance each, in turn by their numbers.

What the project promises: no failover under 100 ms more on every link for 5 s, stalls of 200 ms on all links of the
primary, jitter of ten round trips of the slowest pair, and resets of the primary's connections. Freezes of the primary's
engine, shorter than a silence that counts, are beyond the promise, and are told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from trading_stack.simulation import faults as f
from trading_stack.simulation.draws import Draws
from trading_stack.simulation.network import MS, ONE_WAY_NS
from trading_stack.simulation.schedule import Action, At, Load, Schedule

FIRST_NS: Final = 800 * MS
TRAIN_NS: Final = 1600 * MS
AFTER_NS: Final = 600 * MS
MOST_DRIFT_PPM: Final = 1000
SLOWEST_NS: Final = max(ONE_WAY_NS.values())
TEN_ROUND_TRIPS_NS: Final = 20 * SLOWEST_NS


def _slow(_: Draws) -> Iterator[Action]:
    yield Action(At(FIRST_NS), f.Storm(5000 * MS, delay_ns=SLOWEST_NS + 100 * MS, jitter_ns=MS))


def _jitter(_: Draws) -> Iterator[Action]:
    """Each direction varies by ten round trips."""
    yield Action(At(FIRST_NS), f.Storm(4000 * MS, delay_ns=SLOWEST_NS, jitter_ns=TEN_ROUND_TRIPS_NS))


def _stalls(draws: Draws) -> Iterator[Action]:
    for at_ns in _train(draws):
        yield Action(At(at_ns), f.Stall(200 * MS))


def _resets(draws: Draws) -> Iterator[Action]:
    for at_ns in _train(draws):
        yield Action(At(at_ns), f.Reset())


def _freezes(draws: Draws) -> Iterator[Action]:
    for at_ns in _train(draws):
        yield Action(At(at_ns), f.Freeze(draws.between(50, 200) * MS, part="engine"))


def _train(draws: Draws) -> Iterator[int]:
    """Several moments, each less than a second after the one before."""
    at_ns = FIRST_NS
    while at_ns < FIRST_NS + TRAIN_NS:
        yield at_ns
        at_ns += draws.between(600, 900) * MS


DISTURBANCES: Final[dict[str, Callable[[Draws], Iterator[Action]]]] = {
    "slow": _slow,
    "stalls": _stalls,
    "jitter": _jitter,
    "resets": _resets,
    "freezes": _freezes,
}
PROMISED: Final = ("slow", "stalls", "jitter", "resets")


def disturbance(seed: int) -> str:
    """Which kind a schedule is of."""
    return tuple(DISTURBANCES)[seed % len(DISTURBANCES)]


def harmless(seed: int) -> Schedule:
    """One kind of disturbance: nobody may fail over."""
    draws = Draws(seed)
    actions = tuple(DISTURBANCES[disturbance(seed)](draws))
    return Schedule(
        seed=seed,
        actions=actions,
        harmless=True,
        drift_ppm=draws.below(MOST_DRIFT_PPM),
        storm_ns=max(end_ns for _, end_ns in spans(actions)) + AFTER_NS,
        load=Load(commands_per_s=draws.pick((2, 10))),
    )


def spans(actions: tuple[Action, ...]) -> list[tuple[int, int]]:
    """From when to when each of them, of those at a time of their own, is in force."""
    return [
        (action.moment.ns, action.moment.ns + action.fault.lasts_ns)
        for action in actions
        if isinstance(action.moment, At)
    ]
