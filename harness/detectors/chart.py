"""The curve as a static drawing: time of detection against mistakes, one line a kind."""

from __future__ import annotations

from typing import Any, Final

import altair as alt
import pandas as pd

from harness.detectors.curve import Curve, Point
from harness.detectors.quality import NEVER
from harness.detectors.registry import KINDS
from harness.report.charts import COLOURS, INK, styled, to_svg

PANELS: Final = (("median_ms", "T_D at the median, ms"), ("worst_ms", "T_D at worst, ms"))
TIMES_MS: Final = (10.0, 5000.0)
RIGHT_MS: Final = 400.0
"""A name beyond here stands to the left of its ring, or it would leave the drawing."""
MOST_PER_H: Final = 1000.0
"""Detectors that are wrong more often are of no use to anybody, and leave the drawing at the top."""
HEIGHT: Final = 260
FEW_DECADES: Final = 4
"""With fewer, twice and five times each is written at the axis, too."""
ROOM: Final = 4.5
"""How far below the bound the drawing goes: one mistake is a third of it."""
COLOUR_OF: Final = dict(
    zip(
        (kind.title for kind in KINDS),
        (COLOURS[0], COLOURS[1], COLOURS[2], COLOURS[3], COLOURS[5]),
        strict=True,
    )
)
THICKNESS: Final = (6.0, 3.6, 1.4, 1.8, 1.8)
"""Of the kinds' lines, drawn in this order: where the first three agree, all of them are seen."""


def draw(curve: Curve, *, width: int) -> str:
    """One trace as an SVG document: two panels side by side from 600 pixels on, one below the other on a phone.

    A kind's first setting without a mistake stands beside its line as a triangle, at what that proves: about 3/n.
    """
    beside = width >= 600
    frame = _frame(curve)
    panels = [
        _panel(curve, frame, field, title, width=width // 2 - 45 if beside else width)
        for field, title in PANELS
    ]
    chart = alt.hconcat(*panels, spacing=24) if beside else alt.vconcat(*panels, spacing=14)
    return to_svg(styled(chart))


def _frame(curve: Curve) -> pd.DataFrame:
    shown = [_row(point) for kind in KINDS for point in _until_none(curve.of(kind))]
    return (
        pd.DataFrame(shown, columns=["kind", "rate", "seen", "median_ms", "worst_ms"])
        .rename_axis("at")
        .reset_index()
    )


def _until_none(points: tuple[Point, ...]) -> tuple[Point, ...]:
    first = next((at for at, point in enumerate(points) if not point.quality.mistakes), len(points))
    return points[: first + 1]


def _row(point: Point) -> dict[str, Any]:
    seen = point.quality.mistakes > 0
    return {
        "kind": point.choice.kind.title,
        "rate": point.quality.rate_per_h if seen else point.rate.high,
        "seen": seen,
        "median_ms": _ms(point.median_ns),
        "worst_ms": _ms(point.worst_ns),
    }


def _ms(value_ns: int) -> float | None:
    return None if value_ns == NEVER else max(0.1, value_ns / 1e6)


def _panel(curve: Curve, frame: pd.DataFrame, field: str, title: str, *, width: int) -> Any:
    x, y = _x(field, title), _y(curve)
    titles = [kind.title for kind in KINDS]
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=titles, range=list(COLOUR_OF.values())),
        legend=None,
    )
    known = frame.dropna(subset=[field])
    seen = known["seen"].astype(bool)
    bound = pd.DataFrame({"rate": [_bound(curve)]})
    layers = [
        alt.Chart(bound).mark_rule(color=INK, strokeDash=[2, 3], opacity=0.5).encode(y=y),
        alt.Chart(known[seen])
        .mark_line(strokeCap="round", clip=True)
        .encode(x=x, y=y, color=colour, strokeWidth=_thickness(), order="at:Q"),
        alt.Chart(known[~seen])
        .mark_point(shape="triangle-down", size=70, strokeWidth=1.8, filled=False, clip=True)
        .encode(x=x, y=y, color=colour),
    ]
    return alt.layer(*layers, *_shipped(curve, field, x, y)).properties(width=width, height=HEIGHT)


def _shipped(curve: Curve, field: str, x: Any, y: Any) -> list[Any]:
    """A ring around the shipped setting, with its name."""
    if curve.shipped is None:
        return []
    row = _row(curve.shipped)
    if row[field] is None:
        return []
    base = alt.Chart(pd.DataFrame([{**row, "label": str(curve.shipped.choice)}]))
    side: dict[str, Any] = (
        {"align": "right", "dx": -12} if row[field] > RIGHT_MS else {"align": "left", "dx": 12}
    )
    name = base.mark_text(color=INK, dy=-8, fontSize=11, fontWeight="bold", **side)
    ring = base.mark_point(shape="circle", size=190, strokeWidth=2.2, color=INK, filled=False)
    return [ring.encode(x=x, y=y), name.encode(x=x, y=y, text="label:N")]


def _thickness() -> Any:
    scale = alt.Scale(domain=list(COLOUR_OF), range=list(THICKNESS))
    return alt.StrokeWidth("kind:N", scale=scale, legend=None)


def _bound(curve: Curve) -> float:
    """What no mistake in all the time that was watched proves, mistakes an hour."""
    return next(
        (point.rate.high for point in curve.points if not point.quality.mistakes), 3 / curve.distinct_hours
    )


def _x(field: str, title: str) -> Any:
    scale = alt.Scale(type="log", domain=list(TIMES_MS), nice=False)
    axis = alt.Axis(title=title, values=[10, 20, 50, 100, 200, 500, 1000, 2000, 5000], format="~g", grid=True)
    return alt.X(f"{field}:Q", scale=scale, axis=axis)


def _y(curve: Curve) -> Any:
    least = _bound(curve) / ROOM
    steps = [10.0**power for power in range(-4, 4)]
    if sum(step >= least for step in steps) < FEW_DECADES:
        steps = sorted([*steps, *(2 * step for step in steps), *(5 * step for step in steps)])
    shown = [step for step in steps if least <= step <= MOST_PER_H]
    scale = alt.Scale(type="log", domain=[least, MOST_PER_H], nice=False)
    return alt.Y("rate:Q", scale=scale, axis=alt.Axis(title="mistakes an hour", values=shown, format="~g"))
