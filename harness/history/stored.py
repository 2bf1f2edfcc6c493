"""Where stored runs lie: every run at or below folders that a person named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from harness.history.folder import RunFolder
from harness.history.meta import RunMeta, read_meta
from harness.model.errors import NothingToRun, UsageError


class StoredRun(NamedTuple):
    """One run on the disk, and what it was."""

    folder: RunFolder
    meta: RunMeta


def stored_runs(folders: Sequence[Path | str]) -> tuple[StoredRun, ...]:
    """Every run at or below the folders, each once, by name, which is the order of time within a scenario.

    `latest` is a link to a run, and adds none.

    Raises:
        UsageError: No folder is named, one is not there, or a `run.json` can't be read: the message names it.
        NothingToRun: No run lies in the folders.
    """
    if not folders:
        raise UsageError("no folder is named", next_step="name folders of runs, or folders that hold many")
    tops = [Path(folder) for folder in folders]
    if absent := [top for top in tops if not top.exists()]:
        raise UsageError(f"there is no folder {absent[0]}", next_step="name folders of runs")
    paths = sorted({file.parent.resolve() for top in tops for file in top.rglob("run.json")})
    if not paths:
        raise NothingToRun(
            f"no run lies in {', '.join(map(str, tops))}",
            next_step="name folders of runs (as after `harness run --out DIR`)",
        )
    found = map(RunFolder, paths)
    return tuple(StoredRun(folder, read_meta(folder)) for folder in found)
