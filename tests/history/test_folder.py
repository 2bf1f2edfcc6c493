from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from harness.history.folder import RunFolder, create_run_folder, file_name, write_atomically

STARTED = datetime(2026, 11, 21, 12, 30, 5, tzinfo=UTC)


def test_a_run_has_a_folder_of_its_own_and_latest_points_to_the_newest(tmp_path: Path) -> None:
    first = create_run_folder(tmp_path, "outage", started=STARTED, token="aa")
    assert first.path == tmp_path / "outage" / "20261121T123005Z-aa"
    assert first.logs.is_dir()
    second = create_run_folder(tmp_path, "outage", started=STARTED)
    assert second.path != first.path
    assert (tmp_path / "outage" / "latest").resolve() == second.path.resolve()


def test_the_name_counts_in_utc(tmp_path: Path) -> None:
    started = STARTED.astimezone(timezone(timedelta(hours=9)))
    assert create_run_folder(tmp_path, "x", started=started, token="t").path.name == "20261121T123005Z-t"


def test_a_token_is_never_used_twice(tmp_path: Path) -> None:
    create_run_folder(tmp_path, "x", started=STARTED, token="t")
    with pytest.raises(FileExistsError):
        create_run_folder(tmp_path, "x", started=STARTED, token="t")


def test_names_cannot_leave_their_folder() -> None:
    assert file_name("../../etc") == "-..-etc"
    assert file_name("..") == "unnamed"
    assert file_name("a[mode=dark]") == "a[mode=dark]"
    assert len(file_name("x" * 500)) == 120
    folder = RunFolder(Path("runs/x/y"))
    assert folder.log("gateway/../alpha").parent == folder.logs
    assert folder.table("entries").name == "entries.parquet"
    assert folder.verdicts.name == "verdicts.json"


def test_a_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.json"
    write_atomically(path, b"old")
    monkeypatch.setattr("os.fsync", lambda descriptor: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError, match="full"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
