"""The page of one run, and the index of a suite: one file each, without a network and without JavaScript."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import jinja2
from markupsafe import Markup

from harness.history.folder import write_atomically
from harness.model.units import counted
from harness.report.charts import timeline
from harness.report.page import Page, format_figure
from harness.report.series import availability_series, last_s, latency_series, reigns, shades
from harness.report.suite import Suite

PHONE: Final = 340


def run_page(page: Page) -> str:
    """The HTML document of one run."""
    run = page.run
    drawn = {
        name: Markup(  # noqa: S704  our own SVG, made from numbers; its texts are escaped by the library
            timeline(
                availability=availability_series(run),
                latency=latency_series(run),
                reigns=reigns(run),
                shades=shades(run),
                end_s=last_s(run),
                width=width,
            )
        )
        for name, width in (("wide", 860), ("narrow", PHONE))
    }
    return _environment().get_template("run.html.j2").render(page=page, charts=drawn)


def write_run_page(page: Page, path: Path) -> None:
    """Write the page of one run, whole or not at all."""
    write_atomically(path, run_page(page).encode())


def suite_page(suite: Suite) -> str:
    """The HTML document that shows a suite: scenario by check, worst first."""
    return _environment().get_template("suite.html.j2").render(suite=suite)


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
    environment.filters |= {"figure": format_figure, "counted": counted}
    return environment
