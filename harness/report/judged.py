"""One run of a suite, and what it came to: what every report of a suite is made from."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from urllib.parse import quote

from harness.history.meta import RunMeta
from harness.history.run import Run
from harness.model.judgement import Judgement
from harness.model.outcome import Outcome
from harness.report.advice import first_line
from harness.report.page import headline


@dataclass(frozen=True, slots=True)
class Retried:
    """An attempt that the machine spoiled, so that another one was made: why, and the folder where it lies."""

    why: str
    path: str


@dataclass(frozen=True, slots=True)
class Judged:
    """One run of a suite. `path` is its folder, `page` the link from the suite's folder to its report, `took_s` how long
    it went on by its journal; all empty for one that was not run.

    `stopped` says that the platform could have run it, but the suite came to its end before. `retried` are the attempts
    before this one, in their order, which the machine spoiled.
    """

    meta: RunMeta
    judgement: Judgement
    path: str
    page: str = ""
    why_not_run: str = ""
    took_s: float = 0.0
    stopped: bool = False
    retried: tuple[Retried, ...] = ()

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

    def after(self, spoiled: Judged) -> Judged:
        """The next attempt at the same run, after one that the machine spoiled."""
        unknown = (one.summary for one in spoiled.judgement.verdicts if one.outcome is Outcome.UNKNOWN)
        why = first_line(next(chain(spoiled.judgement.reasons, unknown), headline(spoiled.judgement)))
        return replace(self, retried=(*spoiled.retried, Retried(why, spoiled.path)))


def without_spoiled(runs: Iterable[Judged]) -> tuple[Judged, ...]:
    """Stored runs as their suite told them: an attempt that was made again is told by the one that followed."""
    every = tuple(runs)
    known = {run.meta.run_id: run for run in every}
    spoiled = {run.meta.retry_of for run in every}

    def told(run: Judged) -> Judged:
        before = known.get(run.meta.retry_of)
        return run if before is None else run.after(told(before))

    return tuple(told(run) for run in every if run.meta.run_id not in spoiled)
