"""Several runs as one table: scenario by check, worst first."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from harness.history.meta import RunMeta
from harness.history.run import Run
from harness.model.judgement import Judgement
from harness.model.outcome import Outcome
from harness.model.units import counted
from harness.report.advice import Advice, advice
from harness.report.names import row_name
from harness.report.page import headline
from harness.report.phases import failover, figure

_RANK = {Outcome.FAIL: 0, Outcome.UNKNOWN: 1, Outcome.NOT_RUN: 2, Outcome.PASS: 3}


@dataclass(frozen=True, slots=True)
class Judged:
    """One run of a suite. `path` is its folder, `page` the link from the suite's folder to its report, `took_s` how long
    it went on by its journal; all empty for one that was not run.

    `stopped` says that the platform could have run it, but the suite came to its end before.
    """

    meta: RunMeta
    judgement: Judgement
    path: str
    page: str = ""
    why_not_run: str = ""
    took_s: float = 0.0
    stopped: bool = False

    @classmethod
    def of(cls, run: Run, judgement: Judgement, *, path: str) -> Judged:
        """A stored run, without a page."""
        times = [event.at_ns for event in run.events]
        took_s = (max(times) - times[0]) / 1e9 if times else 0.0
        return cls(run.meta, judgement, path, took_s=took_s)

    def with_page(self, page: Path, reports: Path) -> Judged:
        """With its page, for a suite whose reports lie in `reports`; both may move to another machine together."""
        link = Path(os.path.relpath(page.resolve(), reports.resolve())).as_posix()
        return replace(self, page=quote(link))

    @classmethod
    def of_stopped(cls, meta: RunMeta, why: str) -> Judged:
        """A planned run that a suite never came to, and why."""
        return cls(meta, Judgement(Outcome.NOT_RUN, ()), "", why_not_run=why, stopped=True)


@dataclass(frozen=True, slots=True)
class Row:
    """One run in the table."""

    name: str
    outcome: Outcome
    headline: str
    page: str
    path: str
    failover_ms: float | None
    resolution_ms: float | None
    by_check: dict[str, Outcome]
    advice: Advice | None
    stopped: bool


@dataclass(frozen=True, slots=True)
class Suite:
    """The table: `checks` are the columns, `rows` the runs, those that need attention on top."""

    rows: tuple[Row, ...]
    checks: tuple[str, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst of all rows; UNKNOWN without any."""
        return Outcome.worst(row.outcome for row in self.rows)

    @property
    def stopped(self) -> str:
        """How many of the planned runs never began, and why; empty for a suite that came to its end."""
        never = [row.headline for row in self.rows if row.stopped]
        return f"{len(never)} of {counted(len(self.rows), 'run')} not run: {never[0]}" if never else ""

    @property
    def counts(self) -> dict[Outcome, int]:
        """How many rows came to each outcome, zeros included."""
        return {outcome: sum(row.outcome is outcome for row in self.rows) for outcome in Outcome}


def make_suite(runs: Iterable[Judged]) -> Suite:
    """Put runs into one table."""
    runs = tuple(runs)
    seen = Counter(row_name(run.meta, seed=False) for run in runs)
    named = [(row_name(run.meta, seed=seen[row_name(run.meta, seed=False)] > 1), run) for run in runs]
    rows = sorted(
        (_row(name, run) for name, run in named), key=lambda row: (_RANK[row.outcome], row.name, row.path)
    )
    checks = sorted({check for row in rows for check in row.by_check})
    return Suite(rows=tuple(rows), checks=tuple(checks))


def _row(name: str, run: Judged) -> Row:
    time = figure(failover(run.judgement), "failover_time")
    return Row(
        name=name,
        outcome=run.judgement.outcome,
        headline=run.why_not_run or headline(run.judgement),
        page=run.page,
        path=run.path,
        failover_ms=None if time is None else time.value,
        resolution_ms=None if time is None else time.resolution,
        by_check={verdict.check: verdict.outcome for verdict in run.judgement.verdicts},
        advice=None
        if run.judgement.outcome is Outcome.NOT_RUN
        else advice(run.meta, run.judgement, run_path=run.path),
        stopped=run.stopped,
    )
