"""Where a run lives: the files of its folder, and how they are written so that a crash leaves none half done.

`runs/<scenario>/<UTC time>-<id>/` holds `run.json`, `journal.ndjson`, one `<table>.parquet` a table,
`verdicts.json`, `logs/` and `volumes/`; `latest` beside it points to the newest run of that scenario.
"""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_UNFIT = re.compile(r"[^A-Za-z0-9._=,\[\]-]+")
_LONGEST_NAME: Final = 120
_TRIES: Final = 64


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The paths of one run."""

    path: Path

    @property
    def meta(self) -> Path:
        """What the run was, and how to run it again."""
        return self.path / "run.json"

    @property
    def journal(self) -> Path:
        """Every event, one line each."""
        return self.path / "journal.ndjson"

    @property
    def verdicts(self) -> Path:
        """The judgement, as it was last made."""
        return self.path / "verdicts.json"

    @property
    def logs(self) -> Path:
        """The output of every service."""
        return self.path / "logs"

    def volume(self, name: str) -> Path:
        """What services kept in one of their volumes."""
        return self.path / "volumes" / file_name(name)

    def table(self, name: str) -> Path:
        """One of the tables of `harness.history.columns.TABLES`."""
        return self.path / f"{name}.parquet"

    def log(self, service: str) -> Path:
        """The output of one service."""
        return self.logs / f"{file_name(service)}.log"


def create_run_folder(root: Path, scenario: str, *, started: datetime, token: str | None = None) -> RunFolder:
    """Create a folder that no other run has, point `latest` to it, and return its paths.

    `started` must know its time zone. Two runs that start in one second differ in their token. Raises `FileExistsError`
    when the folder of a given `token` is there already, `OSError` when none can be made.
    """
    shelf = root / file_name(scenario)
    shelf.mkdir(parents=True, exist_ok=True)
    stamp = started.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    folder = RunFolder(_create_unique(shelf, stamp, token))
    folder.logs.mkdir()
    point_latest(folder)
    return folder


def point_latest(folder: RunFolder) -> None:
    """Make `latest` beside the folder point to it, in one step."""
    link = folder.path.parent / "latest"
    fresh = link.with_name(f".latest-{folder.path.name}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(folder.path.name, target_is_directory=True)
    fresh.replace(link)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file that is either whole or not there: a temporary file, synced, then renamed. Raises `OSError`."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def file_name(text: str) -> str:
    """A name that is safe as one path component on every system.

    >>> file_name("outage[mode=dark]")
    'outage[mode=dark]'
    >>> file_name("../etc/passwd")
    '-etc-passwd'
    """
    return _UNFIT.sub("-", text)[:_LONGEST_NAME].lstrip(".") or "unnamed"


def _create_unique(shelf: Path, stamp: str, token: str | None) -> Path:
    for _ in range(_TRIES):
        path = shelf / f"{stamp}-{token or secrets.token_hex(3)}"
        try:
            path.mkdir()
        except FileExistsError:
            if token is not None:
                raise
            continue
        return path
    raise FileExistsError(f"no free name for a run in {shelf}")
