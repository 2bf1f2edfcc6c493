"""Running setups and telling of them: what `run` and `demo` share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from harness.cli.live import LiveTimeline
from harness.cli.trouble import tell
from harness.engine.finished import planned_run
from harness.engine.interrupts import held_back
from harness.engine.setup import Setup
from harness.engine.suite import Attempt, exit_code, run_suite
from harness.history.journal import Observer
from harness.history.run import load_run
from harness.model.outcome import ExitCode
from harness.report.console import print_run, print_suite
from harness.report.judged import Judged
from harness.report.page import make_page
from harness.report.suite import make_suite
from harness.report.written import write_reports, write_suite

STILL_RUNS: Final = "the suite still runs, or was killed"


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a suite ended before its time, in a few words, and the exit code that this leads to."""

    why: str
    code: ExitCode


def run_and_tell(
    setups: Sequence[Setup], *, reports: Path, console: Console
) -> tuple[list[Judged], ExitCode]:
    """Run setups, tell of each and write its report as soon as it is over, then the index of all into `reports`.

    Answers a row for every setup, in their order: what its final attempt came to, or that the suite was stopped before it
    began, and why. Whatever happens, the reports are written and say the same; until then they say that the suite still
    runs. Raises `OSError` when they can't be written at all, before anything starts.
    """
    planned = [planned_run(setup) for setup in setups]
    write_suite([Judged.of_stopped(meta, STILL_RUNS) for meta in planned], reports)
    runs = _Runs(reports, console)
    try:
        stop = runs.run(setups)
    except BaseException as error:
        stop = _stop(error)
    codes = [exit_code(runs.attempts)]
    results = list(runs.results)
    if stop is not None:
        codes.append(stop.code)
        results += [
            Judged.of_stopped(meta, f"the suite was stopped: {stop.why}") for meta in planned[len(results) :]
        ]
    try:
        with held_back():
            write_suite(results, reports)
    except (KeyboardInterrupt, OSError) as error:
        codes.append(_stop(error).code)
    return results, ExitCode.of(codes)


def tell_suite(results: Sequence[Judged], reports: Path, console: Console) -> None:
    """Print the table of a suite, and where its page lies."""
    print_suite(make_suite(results), console)
    console.print(f"report: {reports / 'index.html'}", highlight=False, soft_wrap=True)


class _Runs:
    """The runs of a suite, as far as it has come: `results` has one row for each setup that was run."""

    def __init__(self, reports: Path, console: Console) -> None:
        self.attempts: list[Attempt] = []
        self.results: list[Judged] = []
        self._reports = reports
        self._console = console
        self._again = False

    def run(self, setups: Iterable[Setup]) -> Stop | None:
        """Run them all, and tell of each attempt; answers why nothing more was started, if so."""
        with _Live(self._console) as live:
            for attempt in run_suite(setups, observers=live.observers):
                live.close()
                with held_back():
                    self.attempts.append(attempt)
                    self._tell(attempt)
        why = self.attempts[-1].finished.stops if self.attempts else ""
        return Stop(why, self.attempts[-1].finished.exit_code) if why else None

    def _tell(self, attempt: Attempt) -> None:
        """Print a run and write its page. Its row stands before, and gets its page after: a disk may be full."""
        finished = attempt.finished
        if finished.folder is None:
            why = finished.why_not_run
            self._row(attempt, Judged(finished.meta, finished.judgement, "", why_not_run=why))
            self._console.print(f"NOT RUN  {finished.meta.scenario}: {why}", markup=False)
            return
        path = finished.folder.path
        run = load_run(path)
        row = Judged.of(run, finished.judgement, path=str(shown(path)))
        self._row(attempt, row)
        page = make_page(run, finished.judgement)
        print_run(page, self._console)
        for what in finished.left:
            self._console.print(f"  LEFT BEHIND: {what}", style="bold red", markup=False)
        written = write_reports(page, path)
        self.results[-1] = self.results[-1].with_page(written, self._reports)
        again = "" if attempt.final else "  the machine is to blame: trying again"
        self._console.print(f"  report: {shown(written)}{again}", highlight=False, soft_wrap=True)

    def _row(self, attempt: Attempt, row: Judged) -> None:
        if self._again:
            self.results[-1] = row.after(self.results[-1])
        else:
            self.results.append(row)
        self._again = not attempt.final


def _stop(error: BaseException) -> Stop:
    """What an error, a Ctrl-C or a reader that went away makes of a suite; an error is told."""
    if isinstance(error, Exception) and not isinstance(error, BrokenPipeError):
        return Stop(*tell(error))
    asked = isinstance(error, KeyboardInterrupt)
    return Stop(
        "somebody asked to stop" if asked else "nobody reads its output any more", ExitCode.INTERRUPTED
    )


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
