"""Judges, from readings before and after, whether a link that was cut fell silent. Pure.

A link that was silent anyway proves nothing: there must have been so much traffic before that its absence tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from harness.faults.contract import Direction, Fact
from harness.platforms.readings import Reading

TELLING: Final = (
    5  # segments that should have come; if they came at random, none would come by chance in e^-5 (0.7 %)
)


class Silence(NamedTuple):
    """One direction of one link: what should have been received while it was watched, and what was."""

    direction: Direction
    expected: float
    received: int


def rate_per_s(before: Sequence[Reading], link: str, direction: Direction) -> float:
    """Segments a second that this direction received just before the cut; 0 without two readings.

    Only the newest two count: what flowed earlier may have been under another fault.
    """
    if len(before) < 2:
        return 0.0
    first, last = before[-2:]
    return last.since(first, link, direction) / max(1e-9, (last.at_ns - first.at_ns) / 1e9)


def watch_for_s(rates: Sequence[float], *, least_s: float, most_s: float) -> float:
    """How long to watch so that the slower of the busy links can tell."""
    needed = [TELLING / rate for rate in rates if rate * most_s >= TELLING]
    return min(most_s, max([least_s, *needed]) * 1.1)


def silences(
    before: Sequence[Reading], start: Reading, end: Reading, link: str, directions: Sequence[Direction]
) -> list[Silence]:
    """What was expected and seen of each direction."""
    watched_s = (end.at_ns - start.at_ns) / 1e9
    return [
        Silence(direction, rate_per_s(before, link, direction) * watched_s, end.since(start, link, direction))
        for direction in directions
    ]


def judge(link: str, seen: Sequence[Silence], *, watched_ms: float, by: str) -> Fact | None:
    """The fact that a link tells; None if it was too quiet before to tell anything."""
    loud = [one for one in seen if one.received]
    if loud:
        told = ", ".join(f"{one.received} segments {one.direction} its target" for one in loud)
        return Fact(
            link,
            "far_end",
            f"not silent: {told} came through in {watched_ms:.0f} ms ({by})",
            convincing=False,
        )
    telling = [one for one in seen if one.expected >= TELLING]
    if not telling:
        return None
    told = ", ".join(
        f"{one.direction} its target (about {one.expected:.0f} segments were due)" for one in telling
    )
    return Fact(
        link,
        "far_end",
        f"nothing was received for {watched_ms:.0f} ms {told} ({by})",
        convincing=True,
        asked=0.0,
        measured=0.0,
        unit="segments",
    )
