"""What is written of a run for people: the same files, whoever ran it."""

from __future__ import annotations

from pathlib import Path

from harness.report.html import write_run_page
from harness.report.markdown import run_markdown, write_markdown
from harness.report.page import Page


def write_reports(page: Page, folder: Path) -> Path:
    """Write the pages of one run into its folder; answers the HTML page."""
    write_run_page(page, folder / "report.html")
    write_markdown(run_markdown(page), folder / "report.md")
    return folder / "report.html"
