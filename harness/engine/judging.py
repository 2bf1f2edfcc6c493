"""Judging a stored run by what its own scenario expects."""

from __future__ import annotations

from collections.abc import Collection

from pydantic import ValidationError

from harness.checks.judging import judge_all, read_expectations
from harness.history.run import Run
from harness.model.errors import UsageError
from harness.model.judgement import Judgement


def judge_again(run: Run, only: Collection[str] | None = None) -> Judgement:
    """Judge a run by the expectations in its resolved scenario; raises `UsageError` when they can't be read."""
    try:
        expectations = read_expectations(run.meta.document.get("expect") or {})
    except ValidationError as error:
        raise UsageError(
            f"{run.path}: its expectations don't fit the checks of this version: {error}",
            next_step="judge it with the version that ran it, or name checks with -k",
        ) from None
    return judge_all(run, expectations, only)
