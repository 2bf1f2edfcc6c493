"""Results for programs: one JSON object a suite."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from harness.history.folder import write_atomically
from harness.history.meta import RunMeta
from harness.model.outcome import Outcome
from harness.model.verdicts import Verdict
from harness.report.failovers import Failovers
from harness.report.judged import Judged, Retried
from harness.report.page import headline
from harness.report.repeats import Repeats
from harness.report.suite import make_suite

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
    retried: tuple[Retried, ...] = ()


class FailoverResult(msgspec.Struct, frozen=True):
    """The failover times of repeated runs: of `n` that were judged, with what 95 % confidence lets one claim.

    `never` counts those where service never came back: they are the worst, and a time that would be infinite is null.
    `worse_at_most` bounds the share of all runs that are worse than the worst; with `never`, those that never come back.
    All bounds count the `unjudged`, attempts that were retried included, as the worst; that of the median as the best, too.
    """

    n: int
    unjudged: int
    never: int
    median_ms: float | None
    median_between_ms: tuple[float | None, float | None] | None
    worst_ms: float | None
    worse_at_most: float


class RepeatsResult(msgspec.Struct, frozen=True):
    """Runs that differ in their seeds alone, `judged` of which came to PASS or FAIL. `failure_at_most` bounds the share of
    all runs that fail: the exact one-sided 95 % bound (Clopper-Pearson), with those that are UNKNOWN and all `retried`
    attempts counted as failures.
    """

    name: str
    runs: int
    judged: int
    counts: dict[str, int]
    failure_at_most: float
    retried: int
    failover: FailoverResult | None


class SuiteResult(msgspec.Struct, frozen=True):
    """All runs of one command. `stopped` says how many of them never began, and why; empty for a suite that is whole."""

    schema: int
    outcome: Outcome
    counts: dict[str, int]
    runs: tuple[RunResult, ...]
    stopped: str = ""
    repeats: tuple[RepeatsResult, ...] = ()
    retried: int = 0


def suite_result(runs: tuple[Judged, ...]) -> SuiteResult:
    """The result of a suite as data, in the order in which it was run."""
    suite = make_suite(runs)
    return SuiteResult(
        schema=SCHEMA,
        outcome=suite.outcome,
        counts=_counts(suite.counts),
        runs=tuple(_result(run, run.meta, run.why_not_run or headline(run.judgement)) for run in runs),
        stopped=suite.stopped,
        repeats=tuple(_repeats(one) for one in suite.repeats),
        retried=suite.retried,
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
        retried=run.retried,
    )


def _repeats(repeats: Repeats) -> RepeatsResult:
    return RepeatsResult(
        name=repeats.name,
        runs=len(repeats.runs),
        judged=repeats.judged,
        counts=_counts(repeats.counts),
        failure_at_most=repeats.failure_at_most,
        retried=len(repeats.retried),
        failover=None if repeats.failovers is None else _failover(repeats.failovers),
    )


def _failover(times: Failovers) -> FailoverResult:
    between = times.median_between_ms
    return FailoverResult(
        n=len(times.times_ms),
        unjudged=times.unjudged,
        never=times.never,
        median_ms=_finite(times.median_ms),
        median_between_ms=None if between is None else (_finite(between[0]), _finite(between[1])),
        worst_ms=_finite(times.worst_ms),
        worse_at_most=times.worse_at_most,
    )


def _finite(value: float | None) -> float | None:
    """JSON has no infinity."""
    return value if value is not None and math.isfinite(value) else None


def _counts(counts: Mapping[Outcome, int]) -> dict[str, int]:
    return {str(outcome): count for outcome, count in counts.items()}
