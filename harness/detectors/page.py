"""The page of the curves: one HTML file, without a network and without JavaScript, in the look of the run pages."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

import jinja2
from markupsafe import Markup

from harness.detectors.chart import COLOUR_OF, draw
from harness.detectors.curve import Curve, Point
from harness.detectors.registry import KINDS
from harness.detectors.table import budgets, offers, told_budget
from harness.detectors.verdict import (
    overall,
    stands,
    told_deaths,
    told_mistakes,
    told_number,
    told_rate,
    told_time,
)
from harness.history.folder import write_atomically
from harness.model.units import counted, format_ns

SIZES: Final = {"wide": 860, "narrow": 300}
"""The widths of a drawing's panels together, and of each on a phone, in pixels."""


def detectors_page(curves: Sequence[Curve]) -> str:
    """The HTML document that shows these curves, in their order."""
    shipped = curves[0].shipped
    return (
        _environment()
        .get_template("detectors.html.j2")
        .render(
            curves=curves,
            shipped=shipped.choice if shipped is not None else None,
            overall=overall(curves) if shipped is not None else "",
            kinds=KINDS,
            colours=COLOUR_OF,
        )
    )


def write_detectors_page(curves: Sequence[Curve], path: Path) -> None:
    """Write the page, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, detectors_page(curves).encode())


def _charts(curve: Curve) -> dict[str, Markup]:
    return {
        name: Markup(draw(curve, width=width))  # noqa: S704  our own SVG; its texts are escaped by the library
        for name, width in SIZES.items()
    }


def _length(point: Point) -> str:
    """The mean and the longest mistake."""
    lengths = point.quality.mistakes_ns
    return f"{format_ns(lengths.mean())} / {format_ns(lengths[-1])}" if len(lengths) else ""


def _accuracy(point: Point) -> str:
    return f"{point.quality.accuracy * 100:.6g} %"


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [jinja2.PackageLoader("harness.detectors"), jinja2.PackageLoader("harness.report")]
        ),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "counted": counted,
        "told_deaths": told_deaths,
        "told_number": told_number,
        "told_mistakes": told_mistakes,
        "told_rate": told_rate,
        "told_time": told_time,
        "stands": stands,
        "lengths": _length,
        "accuracy": _accuracy,
        "charts": _charts,
        "budgets": budgets,
        "offers": offers,
        "told_budget": told_budget,
    }
    return environment
