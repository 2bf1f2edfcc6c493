"""Several runs as one table: scenario by check, worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from harness.model.outcome import Outcome
from harness.model.units import counted
from harness.report.advice import Advice, advice
from harness.report.judged import Judged, Retried
from harness.report.names import row_name
from harness.report.page import headline
from harness.report.phases import failover, figure
from harness.report.repeats import Repeats, repeats_of

_RANK = {Outcome.FAIL: 0, Outcome.UNKNOWN: 1, Outcome.NOT_RUN: 2, Outcome.PASS: 3}


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
    retried: tuple[Retried, ...]


@dataclass(frozen=True, slots=True)
class Suite:
    """The table: `checks` are the columns, `rows` the runs, those that need attention on top.

    `repeats` are those among them that repeat each other, put together.
    """

    rows: tuple[Row, ...]
    checks: tuple[str, ...]
    repeats: tuple[Repeats, ...]

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
    def retried(self) -> int:
        """How many attempts the machine spoiled, so that they were made again."""
        return sum(len(row.retried) for row in self.rows)

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
    return Suite(rows=tuple(rows), checks=tuple(checks), repeats=repeats_of(runs))


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
        retried=run.retried,
    )
