"""How order flow is spread over time and over kinds of orders: the profiles that a scenario names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

from harness.model.errors import UsageError

SECOND_NS: Final = 10**9


class Arrival(StrEnum):
    """Times between operations: exponential (independent clients), or all alike."""

    POISSON = "poisson"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time in which operations arrive at `intensity` times the mean rate."""

    lasts_ns: int
    intensity: float


@dataclass(frozen=True, slots=True)
class Profile:
    """One way to trade.

    `segments` repeat for ever, and their time-weighted mean intensity is 1, so that the mean rate is the one asked
    for. Of the new orders, `taker_share` cross the spread; a resting order is cancelled after `mean_life_ns`
    on average (exponential, at least `least_life_ns`, so that its acknowledgement comes first).
    """

    name: str
    segments: tuple[Segment, ...]
    arrival: Arrival = Arrival.POISSON
    taker_share: float = 1 / 3
    mean_life_ns: int = 2 * SECOND_NS
    least_life_ns: int = SECOND_NS // 4


_EVEN: Final = (Segment(SECOND_NS, 1.0),)

PROFILES: Final[dict[str, Profile]] = {
    profile.name: profile
    for profile in (
        Profile("steady", _EVEN),
        # Five times the rate for 200 ms of each 2 s; the rest of the time less, so that the mean stays.
        Profile("burst", (Segment(SECOND_NS // 5, 5.0), Segment(9 * SECOND_NS // 5, 5 / 9))),
        # A market that waits: evenly spaced, few trades, orders that rest long.
        Profile("quiet", _EVEN, arrival=Arrival.FIXED, taker_share=0.12, mean_life_ns=5 * SECOND_NS),
    )
}


def profile_named(name: str) -> Profile:
    """The profile of that name; raises `UsageError` that lists the valid ones."""
    try:
        return PROFILES[name]
    except KeyError:
        raise UsageError(
            f"{name!r} is not a load profile", next_step=f"use one of {', '.join(PROFILES)}"
        ) from None


def arrivals(profile: Profile, *, per_s: float, random: Random) -> Iterator[int]:
    """The times, in ns after zero, at which operations are due; never ends.

    Each step spends one unit of cumulated intensity (exponential with mean 1 for Poisson arrivals), which is the
    exact inversion for a rate that is constant in pieces.
    """
    if not per_s > 0:
        raise UsageError(
            f"a rate of {per_s!r} operations a second sends nothing", next_step="ask for more than 0"
        )
    draw: Callable[[], float] = (
        (lambda: random.expovariate(1.0)) if profile.arrival is Arrival.POISSON else lambda: 1.0
    )
    at_ns = 0.0
    while True:
        at_ns = _after_spending(profile.segments, at_ns, draw() * SECOND_NS / per_s)
        yield int(at_ns)


def _after_spending(segments: tuple[Segment, ...], at_ns: float, units_ns: float) -> float:
    """When `units_ns` of mean-rate time are used up, counted from `at_ns`."""
    period_ns = sum(segment.lasts_ns for segment in segments)
    into_ns = at_ns % period_ns
    while True:
        for segment in segments:
            left_ns = segment.lasts_ns - into_ns
            if left_ns <= 0:
                into_ns -= segment.lasts_ns
                continue
            if units_ns <= left_ns * segment.intensity:
                return at_ns + units_ns / segment.intensity
            units_ns -= left_ns * segment.intensity
            at_ns += left_ns
            into_ns = 0
