"""Running setups and telling of them: what `run` and `demo` share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console

from harness.cli.live import LiveTimeline
from harness.engine.setup import Setup
from harness.engine.suite import Attempt, exit_code, run_suite
from harness.history.journal import Observer
from harness.history.run import load_run
from harness.model.outcome import ExitCode
from harness.report.console import print_run, print_suite
from harness.report.html import write_run_page, write_suite_page
from harness.report.json import write_suite_json
from harness.report.junit import write_suite_xml
from harness.report.markdown import run_markdown, suite_markdown, write_markdown
from harness.report.page import Page, make_page
from harness.report.suite import Judged, make_suite


def run_and_tell(setups: Iterable[Setup], *, console: Console, quiet: bool) -> tuple[list[Judged], ExitCode]:
    """Run setups, write the report of each as soon as it is over, and tell of it; answers the final attempts' results."""
    live: list[LiveTimeline] = []

    def observers(setup: Setup) -> tuple[Observer, ...]:
        if quiet:
            return ()
        live.append(LiveTimeline(console, setup.scenario.id))
        console.print(
            f"{setup.scenario.id} (seed {setup.scenario.seed})", style="bold", highlight=False, markup=False
        )
        return (live[-1],)

    attempts: list[Attempt] = []
    results: list[Judged] = []
    try:
        for attempt in run_suite(setups, observers=observers):
            for timeline in live:
                timeline.close()
            attempts.append(attempt)
            judged = _tell(attempt, console=console, quiet=quiet)
            if attempt.final:
                results.append(judged)
    finally:
        for timeline in live:
            timeline.close()
    return results, exit_code(attempts)


def write_suite(results: Sequence[Judged], reports: Path) -> None:
    """Write the index page and the machine-readable results of a suite."""
    reports.mkdir(parents=True, exist_ok=True)
    suite = make_suite(results)
    write_suite_page(suite, reports / "index.html")
    write_suite_json(tuple(results), reports / "results.json")
    write_suite_xml(tuple(results), reports / "junit.xml")
    write_markdown(suite_markdown(suite), reports / "summary.md")


def write_reports(page: Page, folder: Path) -> Path:
    """Write the pages of one run into its folder; answers the HTML page."""
    write_run_page(page, folder / "report.html")
    write_markdown(run_markdown(page), folder / "report.md")
    return folder / "report.html"


def tell_suite(results: Sequence[Judged], reports: Path, console: Console) -> None:
    """Print the table of a suite, and where its page lies."""
    print_suite(make_suite(results), console)
    console.print(f"report: {reports / 'index.html'}", highlight=False, soft_wrap=True)


def _tell(attempt: Attempt, *, console: Console, quiet: bool) -> Judged:
    finished = attempt.finished
    if finished.folder is None:
        if not quiet:
            console.print(f"NOT RUN  {finished.meta.scenario}: {finished.why_not_run}", markup=False)
        return Judged(finished.meta, finished.judgement, "", why_not_run=finished.why_not_run)
    path = finished.folder.path
    page = make_page(load_run(path), finished.judgement)
    written = write_reports(page, path)
    if not quiet:
        print_run(page, console)
        again = "" if attempt.final else "  the machine is to blame: trying again"
        console.print(f"  report: {written}{again}", highlight=False, soft_wrap=True)
    for what in finished.left:
        console.print(f"  LEFT BEHIND: {what}", style="bold red", markup=False)
    return Judged(finished.meta, finished.judgement, str(path), page=written.resolve().as_uri())
