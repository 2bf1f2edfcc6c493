"""The charts of a report as static SVG, legible on light and dark paper, drawn by Altair without a browser."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import altair as alt
import pandas as pd
import vl_convert

from harness.report.series import Shade

INK: Final = "#8a8f98"  # a grey that reads on white and on near-black
FAULT: Final = "#e5484d"
# Okabe and Ito's palette, told apart by people with any colour vision; leaves out what vanishes on white or black.
COLOURS: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
WIDTH: Final = 860
_MARKUP: Final = re.compile(r"<[^>]*>")  # never the texts between: those are data
_LONG: Final = re.compile(r"\d+\.\d{3,}")


def timeline(
    *,
    availability: pd.DataFrame,
    latency: pd.DataFrame,
    reigns: pd.DataFrame,
    shades: Sequence[Shade],
    end_s: float,
    width: int = WIDTH,
) -> str:
    """Availability, latency and leadership over one time axis, with the faults shaded, as one SVG document."""
    domain = [0.0, max(end_s, 0.1)]
    names = sorted({*availability["through"], *latency["through"]})
    colour = alt.Color(
        "through:N",
        scale=alt.Scale(domain=names, range=list(COLOURS[: max(1, len(names))])),
        legend=alt.Legend(title=None, orient="top", columns=2 if width < 500 else 4, labelLimit=200),
    )
    shaded = _shaded(shades, domain)
    panels = [
        alt.layer(*shaded, _availability(availability, colour, domain)).properties(width=width, height=110),
        alt.layer(*shaded, *_latency(latency, colour, domain)).properties(width=width, height=150),
        alt.layer(*shaded, *_reigns(reigns, domain)).properties(width=width, height=_rows(reigns)),
    ]
    chart = alt.vconcat(*panels, spacing=14).resolve_scale(color="shared")
    return to_svg(_styled(chart))


def to_svg(chart: Any) -> str:
    """An Altair chart as SVG text, with coordinates to a tenth of a pixel: more could not be seen, and weighs much."""
    text = str(vl_convert.vegalite_to_svg(chart.to_dict(validate=False)))
    return _MARKUP.sub(lambda tag: _LONG.sub(lambda number: f"{float(number[0]):.1f}", tag[0]), text)


def _styled(chart: Any) -> Any:
    return (
        chart.configure(background="transparent", font="system-ui, sans-serif", aria=False)
        .configure_axis(
            labelColor=INK,
            titleColor=INK,
            gridColor=INK,
            gridOpacity=0.18,
            domainColor=INK,
            tickColor=INK,
            labelFontSize=11,
        )
        .configure_legend(labelColor=INK, titleColor=INK, labelFontSize=11)
        .configure_view(stroke=None)
    )


def _x(domain: list[float], *, title: str | None = None) -> Any:
    return alt.X(
        "t_s:Q", scale=alt.Scale(domain=domain, nice=False), axis=alt.Axis(title=title, format=".2~f")
    )


def _shaded(shades: Sequence[Shade], domain: list[float]) -> list[Any]:
    if not shades:
        return []
    frame = pd.DataFrame(
        [
            {"t_s": max(shade.start_s, domain[0]), "to_s": min(max(shade.end_s, shade.start_s), domain[1])}
            for shade in shades
        ]
    )
    base = alt.Chart(frame)
    return [
        base.mark_rect(color=FAULT, opacity=0.12).encode(x=_x(domain), x2="to_s:Q"),
        base.mark_rule(color=FAULT, strokeDash=[4, 3]).encode(x=_x(domain)),
    ]


def _availability(frame: pd.DataFrame, colour: Any, domain: list[float]) -> Any:
    return (
        alt.Chart(frame)
        .mark_line(interpolate="step-after", strokeWidth=1.6, opacity=0.85)
        .encode(
            x=_x(domain),
            y=alt.Y(
                "availability:Q",
                title="on time, %",
                scale=alt.Scale(domain=[0, 100]),
                axis=alt.Axis(tickCount=3, titleFontSize=11),
            ),
            color=colour,
        )
    )


def _latency(frame: pd.DataFrame, colour: Any, domain: list[float]) -> list[Any]:
    shown = frame.assign(
        worst_ms=frame["worst_ms"].clip(lower=0.1), median_ms=frame["median_ms"].clip(lower=0.1)
    )
    axis = alt.Axis(title="latency, ms", titleFontSize=11, values=[0.1, 1, 10, 100, 1000, 10000], format="~g")
    scale = alt.Scale(type="log", nice=False)
    base = alt.Chart(shown).encode(x=_x(domain), color=colour)
    return [
        base.mark_line(strokeWidth=1.4).encode(y=alt.Y("median_ms:Q", scale=scale, axis=axis)),
        base.mark_square(size=8, opacity=0.6).encode(y=alt.Y("worst_ms:Q", scale=scale, axis=axis)),
    ]


def _rows(reigns: pd.DataFrame) -> int:
    return 24 * max(1, reigns["provider"].nunique()) + 6


def _reigns(frame: pd.DataFrame, domain: list[float]) -> list[Any]:
    shown = frame.assign(t_s=frame["start_s"], label=["epoch " + str(epoch) for epoch in frame["epoch"]])
    y = alt.Y("provider:N", title="primary", axis=alt.Axis(titleFontSize=11, grid=False))
    base = alt.Chart(shown).encode(x=_x(domain, title="seconds from the start of the load"), y=y)
    return [
        base.mark_bar(color="#0072B2", opacity=0.75, height=14).encode(x2="end_s:Q"),
        base.mark_text(align="left", dx=4, color="white", fontSize=10).encode(text="label:N"),
    ]
