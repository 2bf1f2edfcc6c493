"""Measures a delay on the very link: how much later the receiver's byte count takes the values that the sender's took.

The proxy passes every byte on, so that on one connection both counts run through the same values; the shift in time
between the two curves is the one-way delay.
"""

from __future__ import annotations

import statistics
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from harness.faults.contract import Direction, Fact
from harness.platforms.readings import Readings
from harness.platforms.sockets import SockDiag, Tcp
from harness.stack.description import Link

_PERIOD_S: Final = 0.002
_AFTER_LIFT_S: Final = 0.05
_LEAST_S: Final = 0.25
_MOST_S: Final = 1.5
_AT_ONCE: Final = 6  # links: two questions each every 2 ms is a tenth of a core
_ALL_WITHIN_S: Final = 2.4
_FEWEST_STEPS: Final = 3
_TOLERANCE_MS: Final = 2.5  # the sampling's own resolution, at both ends
_TOLERANCE: Final = 0.2


class Regime(NamedTuple):
    """A delay that was in force from a time on; between `asked_ns` and `since_ns` it was being set."""

    asked_ns: int
    since_ns: int
    latency_ms: float
    jitter_ms: float


class Sample(NamedTuple):
    """Byte counts of one connection: what each end has sent and received."""

    at_ns: int
    source_sent: int
    source_received: int
    target_sent: int
    target_received: int


class Curve(NamedTuple):
    """A byte count over time; both grow."""

    at_ns: list[int]
    bytes: list[int]


def measure(
    links: Sequence[Link],
    direction: Direction,
    readings: Readings,
    regimes: Sequence[Regime],
    lifted: Callable[[], bool],
) -> list[Fact]:
    """One fact a link and direction that carried enough to measure; ends early when the delay is lifted.

    Raises:
        NoSockDiag: This system doesn't tell about other processes' sockets.
    """
    pairs = readings.pairs(link.name for link in links)
    busy = [(link, _busiest(pairs[link.name])) for link in links if pairs[link.name]]
    until = time.monotonic() + _ALL_WITHIN_S
    facts: list[Fact] = []
    for start in range(0, len(busy), _AT_ONCE):
        if time.monotonic() >= until or (start and lifted()):
            break
        group = busy[start : start + _AT_ONCE]
        watched_s = min(_MOST_S, _LEAST_S + 2 * max(regime.latency_ms for regime in regimes) / 1000)
        for_s = min(watched_s, max(0.1, until - time.monotonic()))
        sampled = _sample([ends for _, ends in group], for_s, lifted)
        for (link, _), samples in zip(group, sampled, strict=True):
            facts += _link_facts(link, direction, samples, tuple(regimes))
    return facts


def shifts(sent: Curve, received: Curve) -> Iterator[tuple[int, int]]:
    """For each step of what was sent: when it was sent, and when the receiver had that much.

    Asked from the sender's side, so that many sendings that arrive in one burst (a stall that ends) each count. What had
    been sent before the first sample tells nothing, and is left out.
    """
    for previous, (at_ns, count) in zip(
        sent.bytes, zip(sent.at_ns[1:], sent.bytes[1:], strict=True), strict=False
    ):
        if count == previous:
            continue
        index = bisect_left(received.bytes, count)
        if index < len(received.bytes):
            yield at_ns, received.at_ns[index]


def added_ms(
    steps: Sequence[tuple[int, int]], regimes: Sequence[Regime], baseline_ms: float
) -> tuple[Regime, float] | None:
    """The delay that was added, and the one that was asked for; None if too little passed under one that was asked for.

    A step counts for the delay that was in force when it was sent. What is still held when the delay changes follows the new
    one at once (a spike that is as long as its delay holds everything back, and lets it go when it ends). If several
    delays were in force, each step is compared with its own, and the result is told for the newest of them.
    """
    found: list[tuple[Regime, float]] = []
    for index, regime in enumerate(regimes):
        following = regimes[index + 1] if index + 1 < len(regimes) else None
        found += [
            (regime, (received_ns - sent_ns) / 1e6 - baseline_ms - _expected_ms(sent_ns, regime, following))
            for sent_ns, received_ns in steps
            if regime.latency_ms > 0
            and sent_ns >= regime.since_ns
            and (following is None or sent_ns < following.asked_ns)
        ]
    if len(found) < _FEWEST_STEPS:
        return None
    newest = found[-1][0]
    return newest, newest.latency_ms + statistics.median(error for _, error in found)


def _expected_ms(sent_ns: int, regime: Regime, following: Regime | None) -> float:
    """How long the proxy holds what was sent under one delay, if that changes before the time is over."""
    if following is None:
        return regime.latency_ms
    left_ms = (following.since_ns - sent_ns) / 1e6
    return regime.latency_ms if left_ms >= regime.latency_ms else max(left_ms, following.latency_ms)


def _link_facts(
    link: Link, direction: Direction, samples: Sequence[Sample], regimes: Sequence[Regime]
) -> Iterator[Fact]:
    times = [sample.at_ns for sample in samples]
    curves = {
        Direction.TO: ([one.source_sent for one in samples], [one.target_received for one in samples]),
        Direction.FROM: ([one.target_sent for one in samples], [one.source_received for one in samples]),
    }
    for way, (sent, received) in curves.items():
        if direction not in {way, Direction.BOTH} or not samples:
            continue
        steps = list(shifts(Curve(times, sent), Curve(times, received)))
        if (result := added_ms(steps, regimes, link.round_trip_ms / 2)) is not None:
            yield judge(link.name, way, *result, steps=len(steps))


def judge(link: str, way: Direction, regime: Regime, measured_ms: float, *, steps: int) -> Fact:
    """The fact about one direction of a link; convincing if what was measured is what was asked for."""
    tolerance_ms = max(_TOLERANCE_MS, _TOLERANCE * regime.latency_ms) + regime.jitter_ms
    return Fact(
        link,
        "far_end",
        f"bytes {way} its target arrived {measured_ms:.1f} ms later than the baseline (median of {steps} arrivals, "
        f"sampled every {_PERIOD_S * 1000:g} ms)",
        convincing=abs(measured_ms - regime.latency_ms) <= tolerance_ms and measured_ms > 0,
        asked=regime.latency_ms,
        measured=round(measured_ms, 3),
        unit="ms",
    )


def _busiest(pairs: Sequence[tuple[Tcp, Tcp]]) -> tuple[Tcp, Tcp]:
    return max(pairs, key=lambda pair: min(pair[0].segments_in, pair[1].segments_in))


def _sample(
    connections: Sequence[tuple[Tcp, Tcp]], for_s: float, lifted: Callable[[], bool]
) -> list[list[Sample]]:
    sampled: list[list[Sample]] = [[] for _ in connections]
    asked = [end for ends in connections for end in ends]
    until = time.monotonic() + for_s
    with SockDiag() as diag:
        while time.monotonic() < until:
            at_ns = time.monotonic_ns()
            answers = diag.ask(asked)
            for index, samples in enumerate(sampled):
                source, target = answers[2 * index], answers[2 * index + 1]
                if source is not None and target is not None:
                    samples.append(
                        Sample(
                            at_ns,
                            source.bytes_sent,
                            source.bytes_received,
                            target.bytes_sent,
                            target.bytes_received,
                        )
                    )
            if lifted():
                until = min(until, time.monotonic() + _AFTER_LIFT_S)
                lifted = _never  # what is let go now still counts
            time.sleep(_PERIOD_S)
    return sampled


def _never() -> bool:
    return False
