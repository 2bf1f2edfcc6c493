"""Running setups and telling of them: what `run` and `demo` share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console

from harness.cli.live import LiveTimeline
from harness.engine.interrupts import held_back
from harness.engine.setup import Setup
from harness.engine.suite import Attempt, exit_code, run_suite
from harness.history.journal import Observer
from harness.history.run import load_run
from harness.model.outcome import ExitCode
from harness.report.console import print_run, print_suite
from harness.report.html import write_suite_page
from harness.report.json import write_suite_json
from harness.report.junit import write_suite_xml
from harness.report.markdown import suite_markdown, write_markdown
from harness.report.page import make_page
from harness.report.suite import Judged, make_suite
from harness.report.written import write_reports


def run_and_tell(
    setups: Iterable[Setup], *, reports: Path, console: Console
) -> tuple[list[Judged], ExitCode]:
    """Run setups, tell of each and write its report as soon as it is over, then the index of all into `reports`.

    Answers the results of the final attempts. A Ctrl-C at any moment still leaves every report written.
    """
    attempts: list[Attempt] = []
    results: list[Judged] = []
    interrupted = False
    with _Live(console) as live:
        try:
            for attempt in run_suite(setups, observers=live.observers):
                live.close()
                with held_back():
                    attempts.append(attempt)
                    judged = _tell(attempt, reports=reports, console=console)
                    if attempt.final:
                        results.append(judged)
        except KeyboardInterrupt:
            interrupted = True
    try:
        with held_back():
            write_suite(results, reports)
    except KeyboardInterrupt:
        interrupted = True
    return results, ExitCode.INTERRUPTED if interrupted else exit_code(attempts)


def write_suite(results: Sequence[Judged], reports: Path) -> None:
    """Write the index page and the machine-readable results of a suite."""
    reports.mkdir(parents=True, exist_ok=True)
    suite = make_suite(results)
    write_suite_page(suite, reports / "index.html")
    write_suite_json(tuple(results), reports / "results.json")
    write_suite_xml(tuple(results), reports / "junit.xml")
    write_markdown(suite_markdown(suite), reports / "summary.md")


def tell_suite(results: Sequence[Judged], reports: Path, console: Console) -> None:
    """Print the table of a suite, and where its page lies."""
    print_suite(make_suite(results), console)
    console.print(f"report: {reports / 'index.html'}", highlight=False, soft_wrap=True)


class _Live:
    """The live timelines of a suite, one a run; none outlives the block."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._open: LiveTimeline | None = None

    def __enter__(self) -> _Live:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def observers(self, setup: Setup) -> tuple[Observer, ...]:
        """Say what runs now, and follow it."""
        scenario = setup.scenario
        self._console.print(
            f"{scenario.id} (seed {scenario.seed})", style="bold", highlight=False, markup=False
        )
        self._open = LiveTimeline(self._console, scenario.id)
        return (self._open,)

    def close(self) -> None:
        """End the one that is open. Safe to call twice."""
        if self._open is not None:
            self._open.close()
            self._open = None


def shown(path: Path) -> Path:
    """A path as a person would write it: relative to where they are, when it is below."""
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path


def _tell(attempt: Attempt, *, reports: Path, console: Console) -> Judged:
    finished = attempt.finished
    if finished.folder is None:
        console.print(f"NOT RUN  {finished.meta.scenario}: {finished.why_not_run}", markup=False)
        return Judged(finished.meta, finished.judgement, "", why_not_run=finished.why_not_run)
    path = finished.folder.path
    run = load_run(path)
    page = make_page(run, finished.judgement)
    written = write_reports(page, path)
    print_run(page, console)
    again = "" if attempt.final else "  the machine is to blame: trying again"
    console.print(f"  report: {shown(written)}{again}", highlight=False, soft_wrap=True)
    for what in finished.left:
        console.print(f"  LEFT BEHIND: {what}", style="bold red", markup=False)
    return Judged.of(run, finished.judgement, path=str(shown(path)), page=written, reports=reports)
