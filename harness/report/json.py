"""Results for programs: one JSON object a suite."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from harness.history.folder import write_atomically
from harness.history.meta import RunMeta
from harness.model.outcome import Outcome
from harness.model.verdicts import Verdict
from harness.report.page import headline
from harness.report.suite import Judged, make_suite

SCHEMA: Final = 1


class RunResult(msgspec.Struct, frozen=True):
    """One run: who it was, what it came to, and where it lies.

    `path` is its folder as the command's user would name it; `page` leads from the suite's own folder to its report.
    """

    scenario: str
    variables: dict[str, object]
    seed: int
    platform: str
    outcome: Outcome
    headline: str
    path: str
    page: str
    reasons: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    why_not_run: str = ""
    defect: str | None = None


class SuiteResult(msgspec.Struct, frozen=True):
    """All runs of one command. `stopped` says how many of them never began, and why; empty for a suite that is whole."""

    schema: int
    outcome: Outcome
    counts: dict[str, int]
    runs: tuple[RunResult, ...]
    stopped: str = ""


def suite_result(runs: tuple[Judged, ...]) -> SuiteResult:
    """The result of a suite as data, in the order in which it was run."""
    suite = make_suite(runs)
    return SuiteResult(
        schema=SCHEMA,
        outcome=suite.outcome,
        counts={str(outcome): count for outcome, count in suite.counts.items()},
        runs=tuple(_result(run, run.meta, run.why_not_run or headline(run.judgement)) for run in runs),
        stopped=suite.stopped,
    )


def suite_json(runs: tuple[Judged, ...]) -> bytes:
    """The result of a suite as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(suite_result(runs)), indent=2) + b"\n"


def write_suite_json(runs: tuple[Judged, ...], path: Path) -> None:
    """Write the result of a suite, whole or not at all."""
    write_atomically(path, suite_json(runs))


def _result(run: Judged, meta: RunMeta, line: str) -> RunResult:
    return RunResult(
        scenario=meta.scenario,
        variables=dict(meta.variables),
        seed=meta.seed,
        platform=meta.platform,
        outcome=run.judgement.outcome,
        headline=line,
        path=run.path,
        page=run.page,
        reasons=run.judgement.reasons,
        verdicts=run.judgement.verdicts,
        why_not_run=run.why_not_run,
        defect=meta.defect,
    )
