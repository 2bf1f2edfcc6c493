"""What is written of a run, and of a suite: the same files, whoever ran it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from harness.report.html import write_run_page, write_suite_page
from harness.report.json import write_suite_json
from harness.report.judged import Judged
from harness.report.junit import write_suite_xml
from harness.report.markdown import run_markdown, suite_markdown, write_markdown
from harness.report.page import Page
from harness.report.suite import make_suite


def write_reports(page: Page, folder: Path) -> Path:
    """Write the pages of one run into its folder; answers the HTML page."""
    write_run_page(page, folder / "report.html")
    write_markdown(run_markdown(page), folder / "report.md")
    return folder / "report.html"


def write_suite(results: Sequence[Judged], reports: Path) -> None:
    """Write the index page and the machine-readable results of a suite; nothing of an earlier suite stays there.

    Raises `OSError` for the first file that can't be written, after the others were; that file is then not there.
    """
    reports.mkdir(parents=True, exist_ok=True)
    suite, rows = make_suite(results), tuple(results)
    refused: list[OSError] = []
    for name, write in (
        ("results.json", partial(write_suite_json, rows)),
        ("junit.xml", partial(write_suite_xml, rows)),
        ("summary.md", partial(write_markdown, suite_markdown(suite))),
        ("index.html", partial(write_suite_page, suite)),
    ):
        try:
            # First: what can't be replaced must not pass for this suite's, and a full disk has no room for both.
            (reports / name).unlink(missing_ok=True)
            write(reports / name)
        except OSError as error:
            refused.append(error)
    if refused:
        raise refused[0]
