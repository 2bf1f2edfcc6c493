"""The page of one run, and the index of a suite: one file each, without a network and without JavaScript."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import Final

import jinja2
from markupsafe import Markup

from harness.history.folder import write_atomically
from harness.history.run import Run
from harness.model.units import counted
from harness.report.charts import WIDTH, timeline
from harness.report.page import Page, format_resolution, format_value, worst_first
from harness.report.phases import ENDS
from harness.report.repeats_told import (
    KEY,
    between_text,
    counts_text,
    percent_up,
    retried_text,
    time_text,
    worse_text,
)
from harness.report.series import MOST_BINS, ON_TIME_NS, last_s, latency_series, reigns, service_spans, shades
from harness.report.suite import Suite

SIZES: Final = {"wide": (WIDTH, MOST_BINS), "narrow": (250, 100)}
"""The charts of a page: pixels of the axis, and bins of the latency that can be told apart on it."""


def run_page(page: Page) -> str:
    """The HTML document of one run: the same text for the same history and verdicts, whole in itself."""
    return (
        _environment()
        .get_template("run.html.j2")
        .render(page=page, charts=_charts(page.run), phase_names=tuple(ENDS), on_time_ms=ON_TIME_NS // 10**6)
    )


def _charts(run: Run) -> dict[str, Markup]:
    draw = partial(
        timeline, service=service_spans(run), reigns=reigns(run), shades=shades(run), end_s=last_s(run)
    )
    return {
        name: Markup(  # noqa: S704  our own SVG, made from numbers; its texts are escaped by the library
            draw(latency=latency_series(run, most_bins=bins), width=width)
        )
        for name, (width, bins) in SIZES.items()
    }


def write_run_page(page: Page, path: Path) -> None:
    """Write the page of one run, whole or not at all."""
    write_atomically(path, run_page(page).encode())


def suite_page(suite: Suite) -> str:
    """The HTML document that shows a suite: scenario by check, worst first."""
    return _environment().get_template("suite.html.j2").render(suite=suite, key=KEY)


def write_suite_page(suite: Suite, path: Path) -> None:
    """Write the index page of a suite, whole or not at all."""
    write_atomically(path, suite_page(suite).encode())


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("harness.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "value": format_value,
        "resolution": format_resolution,
        "counted": counted,
        "worst_first": worst_first,
        "between_text": between_text,
        "counts_text": counts_text,
        "time_text": time_text,
        "worse_text": worse_text,
        "retried_text": retried_text,
        "percent_up": percent_up,
    }
    return environment
