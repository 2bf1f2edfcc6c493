from __future__ import annotations

from pathlib import Path

import pytest

from harness.history.folder import RunFolder, point_latest
from harness.history.meta import RunMeta, write_meta
from harness.history.stored import stored_runs
from harness.model.errors import NothingToRun, UsageError


def a_run(path: Path) -> RunFolder:
    path.mkdir(parents=True)
    folder = RunFolder(path)
    write_meta(folder, RunMeta(run_id=path.name, scenario="outage", seed=1, platform="process", stack="s"))
    return folder


def test_every_run_is_found_once_by_name(tmp_path: Path) -> None:
    later, earlier = a_run(tmp_path / "outage" / "2-b"), a_run(tmp_path / "outage" / "1-a")
    point_latest(later)
    named = [tmp_path, later.path, str(tmp_path / "outage" / "latest")]
    found = stored_runs(named)
    assert [run.folder.path for run in found] == [earlier.path.resolve(), later.path.resolve()]
    assert [run.meta.run_id for run in found] == ["1-a", "2-b"]


def test_a_folder_without_a_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(NothingToRun, match=f"no run lies in {tmp_path}"):
        stored_runs([tmp_path])


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    a_run(tmp_path / "runs")
    with pytest.raises(UsageError, match=r"there is no folder .*gone"):
        stored_runs([tmp_path / "runs", tmp_path / "gone"])
    with pytest.raises(UsageError, match="no folder is named"):
        stored_runs([])


def test_a_damaged_run_is_named(tmp_path: Path) -> None:
    a_run(tmp_path / "1")
    a_run(tmp_path / "2").meta.write_bytes(b'{"run_id": ')
    with pytest.raises(UsageError, match=r"2/run\.json was not written by this harness, or is damaged"):
        stored_runs([tmp_path])
