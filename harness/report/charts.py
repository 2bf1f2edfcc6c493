"""The charts of a report as static SVG, legible on light and dark paper, drawn by Altair without a browser."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import altair as alt
import pandas as pd
import vl_convert

from harness.report.series import Shade

INK: Final = "currentColor"  # the page's own, so that one drawing reads on white and on near-black
FAULT: Final = "#e5484d"
# Okabe and Ito's palette, told apart by people with any colour vision; leaves out what vanishes on white or black.
COLOURS: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
SERVICE: Final = {"all": "#009E73", "some": "#E69F00", "none": "#D55E00"}
"""How many of a bin's probes were acknowledged on time; `none` is drawn as a thin line, so that colour isn't needed."""
WIDTH: Final = 800
ROW: Final = 20
LABEL: Final = 92
"""Pixels for what stands left of the panels, all alike, so that their axes stand below each other in any font."""
_NARROW: Final = 500
_MARKUP: Final = re.compile(r"<[^>]*>")  # never the texts between: those are data
_LONG: Final = re.compile(r"\d+\.\d{2,}")
_UNSEEN: Final = re.compile(r' (?:class|role|aria-[a-z]+|pointer-events|font-family|opacity)="(?!0)[^"]*"')
_UNPAINTED: Final = re.compile(r'<path d="[^"]*"(?: display="none")?/>')


def timeline(
    *,
    service: pd.DataFrame,
    latency: pd.DataFrame,
    reigns: pd.DataFrame,
    shades: Sequence[Shade],
    end_s: float,
    width: int = WIDTH,
) -> str:
    """Faults, service, leadership and latency over one time axis, as one SVG document.

    `service` has through, start_s, end_s and answered (`all`, `some`, `none`); `latency` has through, t_s, median_ms and
    worst_ms; `reigns` has provider, epoch, start_s and end_s; `width` is that of the axis in pixels.
    """
    domain = [0.0, max(end_s, 0.1)]
    shaded = _shaded(shades, domain)
    time = alt.Axis(
        title="seconds from the start of the load", format=".2~f", tickCount=5 if width < _NARROW else 12
    )
    panels = [
        _panel(
            "Faults in force", width, _lanes(shades, domain), rows=len({shade.fault_id for shade in shades})
        ),
        _panel(
            "Probes answered on time",
            width,
            [*shaded, *_service(service, domain)],
            rows=service["through"].nunique(),
        ),
        _panel("Primary", width, [*shaded, *_reigns(reigns, domain)], rows=reigns["provider"].nunique()),
    ]
    shown = [panel for panel in panels if panel is not None]
    shown.append(
        alt.layer(
            *_shaded(shades, domain, axis=time), *_latency(latency, _x(domain, "t_s", axis=time), width=width)
        ).properties(width=width, height=150, title="Latency of probes, ms")
    )
    return to_svg(styled(alt.vconcat(*shown, spacing=12).resolve_scale(color="independent")))


def to_svg(chart: Any) -> str:
    """An Altair chart as SVG text for a page that sets the font, without what could not be seen, which is most of it.

    Coordinates are to a tenth of a pixel.
    """
    return _UNPAINTED.sub(
        "", _MARKUP.sub(_slim, str(vl_convert.vegalite_to_svg(chart.to_dict(validate=False))))
    )


def _slim(tag: re.Match[str]) -> str:
    return _LONG.sub(lambda number: f"{float(number[0]):.1f}", _UNSEEN.sub("", tag[0]))


def _panel(title: str, width: int, layers: Sequence[Any], *, rows: int) -> Any | None:
    """Rows of bars under a title; None when there is no row."""
    return alt.layer(*layers).properties(width=width, height=ROW * rows, title=title) if rows else None


def styled(chart: Any) -> Any:
    """A chart in the look of every page: the page's own ink and font, no frame, no background."""
    return (
        chart.configure(background="transparent", font="system-ui, sans-serif", aria=False)
        .configure_axis(
            labelColor=INK,
            titleColor=INK,
            gridColor=INK,
            gridOpacity=0.2,
            domainColor=INK,
            domainOpacity=0.4,
            tickColor=INK,
            tickOpacity=0.4,
            labelFontSize=11,
            titleFontSize=11,
            titleFontWeight="normal",
        )
        .configure_title(color=INK, fontSize=11.5, fontWeight="bold", anchor="start", frame="group", offset=5)
        .configure_legend(labelColor=INK, labelFontSize=11)
        .configure_view(stroke=None)
    )


def _x(domain: list[float], field: str = "start_s", *, axis: Any = None) -> Any:
    """The shared axis of time; only the lowest panel writes it out."""
    return alt.X(f"{field}:Q", scale=alt.Scale(domain=domain, nice=False), axis=axis)


def _y(field: str) -> Any:
    axis = alt.Axis(title=None, grid=False, ticks=False, domain=False, labelLimit=LABEL, minExtent=LABEL)
    return alt.Y(f"{field}:N", axis=axis, sort=None)


def _frame(shades: Sequence[Shade], domain: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "fault_id": shade.fault_id,
                "start_s": max(shade.start_s, domain[0]),
                "end_s": min(max(shade.end_s, shade.start_s), domain[1]),
            }
            for shade in shades
        ],
        columns=["fault_id", "start_s", "end_s"],
    )


def _lanes(shades: Sequence[Shade], domain: list[float]) -> list[Any]:
    """One bar a fault, and a tick at its onset, so that one that was over at once is seen."""
    base = alt.Chart(_frame(shades, domain)).encode(x=_x(domain), y=_y("fault_id"))
    return [
        base.mark_bar(color=FAULT, height=12).encode(x2="end_s:Q"),
        base.mark_tick(color=FAULT, opacity=1, size=12, thickness=3),
    ]


def _shaded(shades: Sequence[Shade], domain: list[float], *, axis: Any = None) -> list[Any]:
    if not shades:
        return []
    base = alt.Chart(_frame(shades, domain))
    return [
        base.mark_rect(color=FAULT, opacity=0.1).encode(x=_x(domain, axis=axis), x2="end_s:Q"),
        base.mark_rule(color=FAULT, strokeDash=[4, 3]).encode(x=_x(domain, axis=axis)),
    ]


def _service(frame: pd.DataFrame, domain: list[float]) -> list[Any]:
    """One bar a span, thick where probes were answered, thin where none was."""
    base = alt.Chart(frame).encode(x=_x(domain), x2="end_s:Q", y=_y("through"))
    return [
        base.transform_filter(alt.datum.answered == answered).mark_bar(
            color=colour, height=3 if answered == "none" else 12
        )
        for answered, colour in SERVICE.items()
    ]


def _latency(frame: pd.DataFrame, x: Any, *, width: int) -> list[Any]:
    shown = frame.assign(
        worst_ms=frame["worst_ms"].clip(lower=0.1), median_ms=frame["median_ms"].clip(lower=0.1)
    )
    scale = alt.Scale(type="log", nice=False)
    axis = alt.Axis(
        title=None,
        values=[0.1, 1, 10, 100, 1000, 10000],
        format="~g",
        domain=False,
        ticks=False,
        minExtent=LABEL,
    )
    names = sorted(frame["through"].unique())
    colour = alt.Color(
        "through:N",
        scale=alt.Scale(domain=names, range=list(COLOURS[: max(1, len(names))])),
        legend=alt.Legend(
            title=None,
            orient="top",
            columns=2 if width < _NARROW else 4,
            offset=4,
            symbolStrokeWidth=3,
            symbolOpacity=1,
            symbolSize=200,
        ),
    )
    return [
        alt.Chart(shown)
        .mark_line(strokeWidth=1.4)
        .encode(x=x, color=colour, y=alt.Y("median_ms:Q", scale=scale, axis=axis)),
        alt.Chart(_dots(shown))
        .mark_line(strokeWidth=2.6, strokeCap="square", opacity=0.6)
        .encode(x=x, color=colour, y=alt.Y("worst_ms:Q", scale=scale, axis=axis)),
    ]


def _dots(frame: pd.DataFrame) -> pd.DataFrame:
    """Points as a line that breaks after each of them: one path in the page instead of hundreds."""
    points = frame[["through", "t_s", "worst_ms"]].dropna()
    return pd.concat([points, points.assign(worst_ms=float("nan"))]).sort_index(kind="stable")


def _reigns(frame: pd.DataFrame, domain: list[float]) -> list[Any]:
    shown = frame.assign(label=["epoch " + str(epoch) for epoch in frame["epoch"]])
    base = alt.Chart(shown).encode(x=_x(domain), y=_y("provider"))
    return [
        base.mark_bar(color=COLOURS[0], height=14).encode(x2="end_s:Q"),
        base.mark_text(align="left", dx=4, color="white", fontSize=10).encode(text="label:N"),
    ]
