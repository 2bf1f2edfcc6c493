"""Curves for programs: one JSON object a command. Times are nanoseconds, null where a death was not noticed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from harness.detectors.curve import Curve, Point, beaten_by
from harness.detectors.quality import NEVER
from harness.detectors.verdict import beaten_everywhere, verdict_line

SCHEMA: Final = 1


class Setting(msgspec.Struct, frozen=True):
    """One setting over one trace; `rate_per_h_95` and `t_d_median_ns_95` are what can be claimed with 95 % confidence.

    `deaths` are counted once each, which is what intervals go by; `seen` as often as some watcher saw one.
    """

    detector: str
    setting: float
    name: str
    mistakes: int
    rate_per_h: float
    rate_per_h_95: tuple[float, float]
    clustering: float
    t_m_mean_ns: float | None
    t_m_longest_ns: int | None
    accuracy: float
    deaths: int
    seen: int
    missed: int
    missed_share_95: tuple[float, float]
    t_d_median_ns: int | None
    t_d_median_ns_95: tuple[int | None, int | None] | None
    t_d_worst_ns: int | None
    t_d_worst_bounds_share: float
    on_front: bool


class Shipped(msgspec.Struct, frozen=True):
    """The shipped setting over one trace."""

    setting: Setting
    verdict: str
    dominated_by: tuple[str, ...]


class Measured(msgspec.Struct, frozen=True):
    """One trace."""

    trace: str
    told: str
    heartbeat_ns: int
    heartbeats: int
    hours: float
    distinct_hours: float
    deaths: int
    seen: int
    supposed: bool
    settings: tuple[Setting, ...]
    shipped: Shipped | None


class Curves(msgspec.Struct, frozen=True):
    """All traces of one command."""

    schema: int
    traces: tuple[Measured, ...]
    better_on_all: tuple[str, ...]


def curves_json(curves: Sequence[Curve]) -> bytes:
    """The curves as indented JSON."""
    better = beaten_everywhere(curves) if curves[0].shipped is not None else []
    told = Curves(SCHEMA, tuple(_measured(curve) for curve in curves), tuple(better))
    return msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n"


def _measured(curve: Curve) -> Measured:
    front = set(map(id, curve.front))
    trace = curve.trace
    return Measured(
        trace=trace.name,
        told=trace.told,
        heartbeat_ns=trace.heartbeat_ns,
        heartbeats=trace.heartbeats,
        hours=curve.hours,
        distinct_hours=curve.distinct_hours,
        deaths=curve.deaths,
        seen=curve.seen,
        supposed=curve.supposed,
        settings=tuple(_setting(point, on_front=id(point) in front) for point in curve.points),
        shipped=_shipped(curve),
    )


def _shipped(curve: Curve) -> Shipped | None:
    if curve.shipped is None:
        return None
    better = beaten_by(curve.shipped, curve.points)
    names = tuple(str(point.choice) for point in better)
    return Shipped(_setting(curve.shipped, on_front=not better), verdict_line(curve), names)


def _setting(point: Point, *, on_front: bool) -> Setting:
    quality, rate, missed, between = point.quality, point.rate, point.missed, point.median_between_ns
    lengths = quality.mistakes_ns
    return Setting(
        detector=point.choice.kind.name,
        setting=point.choice.setting,
        name=str(point.choice),
        mistakes=quality.mistakes,
        rate_per_h=quality.rate_per_h,
        rate_per_h_95=(rate.low, rate.high),
        clustering=quality.spread,
        t_m_mean_ns=float(lengths.mean()) if len(lengths) else None,
        t_m_longest_ns=int(lengths[-1]) if len(lengths) else None,
        accuracy=quality.accuracy,
        deaths=point.distinct.deaths,
        seen=point.seen,
        missed=quality.missed,
        missed_share_95=(missed.low, missed.high),
        t_d_median_ns=_time(point.median_ns),
        t_d_median_ns_95=(_time(between[0]), _time(between[1])) if between is not None else None,
        t_d_worst_ns=_time(point.worst_ns),
        t_d_worst_bounds_share=point.worst_bounds,
        on_front=on_front,
    )


def _time(value_ns: int) -> int | None:
    return None if value_ns == NEVER else value_ns
