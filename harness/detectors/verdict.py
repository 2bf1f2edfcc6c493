"""Where the shipped setting stands: on each trace, and on all of them."""

from __future__ import annotations

from collections.abc import Sequence

from harness.detectors.curve import Curve, Point, beaten_by
from harness.detectors.quality import NEVER
from harness.model.units import counted, format_ns


def told_time(value_ns: int) -> str:
    """A time of detection for people."""
    return "not noticed" if value_ns == NEVER else format_ns(value_ns)


def told_number(value: float) -> str:
    """A rate for people: two digits, and all before the point."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def told_mistakes(point: Point) -> str:
    """Mistakes with their number: `2 mistakes in 6.1 h, 0.33/h (95 %: 0.04 to 1.2)`."""
    quality = point.quality
    number = counted(quality.mistakes, "mistake") if quality.mistakes else "no mistake"
    return f"{number} in {quality.hours:.3g} h, {told_rate(point)}"


def told_rate(point: Point) -> str:
    """Mistakes an hour with what can be claimed: `0.33/h (95 %: 0.04 to 1.2)`, or `under 0.5/h (95 %)`."""
    between = point.rate
    if not point.quality.mistakes:
        return f"under {told_number(between.high)}/h (95 %)"
    return f"{told_number(point.quality.rate_per_h)}/h (95 %: {told_number(between.low)} to {told_number(between.high)})"


def told_point(point: Point) -> str:
    """One setting and its quality in one line, with its sample sizes."""
    deaths = f"n = {seen_text(f'{point.distinct.deaths:,}', point.distinct.deaths, point.seen)}"
    times = f"T_D median {told_time(point.median_ns)}, worst {told_time(point.worst_ns)} ({deaths})"
    return f"{times}; {told_mistakes(point)}"


def told_deaths(curve: Curve) -> str:
    """`30 deaths`, or `30 deaths, seen 60 times` where several watchers saw them."""
    kind = "supposed death" if curve.supposed else "death"
    return seen_text(counted(curve.deaths, kind), curve.deaths, curve.seen)


def seen_text(told: str, deaths: int, seen: int) -> str:
    """A number of deaths with how often they were seen, where that differs."""
    return told if seen == deaths else f"{told}, seen {seen:,} times"


def stands(curve: Curve) -> str:
    """Where the shipped setting stands on one trace: on its front, or beaten by which settings."""
    assert curve.shipped is not None
    better = beaten_by(curve.shipped, curve.points)
    if not better:
        return "on the front: no setting is as soon with fewer mistakes, or sooner with no more"
    first, more = better[0], len(better) - 1
    told = (
        f"dominated by {first.choice} (T_D median {told_time(first.median_ns)}, worst {told_time(first.worst_ns)}; "
        f"{counted(first.quality.mistakes, 'mistake')})"
    )
    return f"{told} and {counted(more, 'other setting')}" if more else told


def verdict_line(curve: Curve) -> str:
    """The shipped setting on one trace, in one line."""
    assert curve.shipped is not None
    return f"{curve.shipped.choice}: {told_point(curve.shipped)}; {stands(curve)}"


def beaten_everywhere(curves: Sequence[Curve]) -> list[str]:
    """The settings that are nowhere worse than the shipped one, and better somewhere."""
    names = None
    for curve in curves:
        assert curve.shipped is not None
        no_worse = {str(point.choice) for point in curve.points if not _worse(point, curve.shipped)}
        names = no_worse if names is None else names & no_worse
    return [name for name in sorted(names or ()) if any(_beats(curve, name) for curve in curves)]


def overall(curves: Sequence[Curve]) -> str:
    """The shipped setting on all traces together, in one sentence."""
    better = beaten_everywhere(curves)
    where = "this trace" if len(curves) == 1 else f"all {len(curves)} traces"
    if not better:
        return f"No setting is better on {where}: none is as soon, at the median and at worst, with no more mistakes."
    return f"Better on {where}, or nowhere worse: {', '.join(better)}."


def _worse(point: Point, other: Point) -> bool:
    return (
        point.median_ns > other.median_ns
        or point.worst_ns > other.worst_ns
        or point.quality.mistakes > other.quality.mistakes
    )


def _beats(curve: Curve, name: str) -> bool:
    assert curve.shipped is not None
    return any(point.beats(curve.shipped) for point in curve.points if str(point.choice) == name)
