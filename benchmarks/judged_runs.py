"""Stored runs with what was judged of them, for benchmarks that put many together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from harness.engine.verdict_file import read_verdicts
from harness.history.folder import RunFolder
from harness.history.stored import stored_runs
from harness.model.judgement import Judgement
from harness.model.outcome import Outcome
from harness.report.judged import Judged, without_spoiled

NEVER_JUDGED: Final = Judgement(Outcome.UNKNOWN, (), reasons=("it was never judged",))


def judged_runs(folders: Sequence[Path | str]) -> tuple[Judged, ...]:
    """Every run at or below the folders; an attempt that was made again is told by the one that followed.

    Raises `HarnessError` where no run lies there, or one can't be read.
    """
    every = (Judged(meta, _judgement(folder), str(folder.path)) for folder, meta in stored_runs(folders))
    return without_spoiled(every)


def _judgement(folder: RunFolder) -> Judgement:
    return read_verdicts(folder) if folder.verdicts.exists() else NEVER_JUDGED
