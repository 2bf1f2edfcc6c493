"""What a run was: `run.json`, written by the engine when a run starts, and once more when it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec

from harness.history.folder import RunFolder, write_atomically
from harness.model.errors import UsageError

SCHEMA: Final = 1
"""The version of a run's folder. Raised when an older harness could no longer read what is written."""


class RunMeta(msgspec.Struct, frozen=True, kw_only=True):
    """The identity and circumstances of one run.

    `waives` maps predicates (`O13`) to the reason why the stack cannot be judged by them; `providers` lists the
    providers of the stack; `entry_points` maps each gateway to its provider; `document` is the resolved scenario;
    `machine` has at least `cpus`, the number of processors that the stack could use. `defect` is the mistake that was
    planted on purpose; with `overrides`, `stack_file` (empty: the one that is found there) and `test` (the id of a Python
    test) it says how to run the same again. `retry_of` is the `run_id` of the attempt that the machine spoiled before.
    """

    run_id: str
    scenario: str
    seed: int
    platform: str
    stack: str
    started_at: str = ""
    schema: int = SCHEMA
    file: str = ""
    variables: dict[str, Any] = {}
    document: dict[str, Any] = {}
    providers: tuple[str, ...] = ()
    entry_points: dict[str, str | None] = {}
    waives: dict[str, str] = {}
    versions: dict[str, str] = {}
    image_digests: dict[str, str] = {}
    machine: dict[str, Any] = {}
    capabilities: tuple[str, ...] = ()
    defect: str | None = None
    overrides: tuple[str, ...] = ()
    stack_file: str = ""
    test: str = ""
    retry_of: str = ""


class _Head(msgspec.Struct):
    schema: int = SCHEMA


def write_meta(folder: RunFolder, meta: RunMeta) -> None:
    """Write `run.json` so that it is whole or not there; raises `OSError`."""
    write_atomically(folder.meta, msgspec.json.format(msgspec.json.encode(meta), indent=2) + b"\n")


def read_meta(folder: RunFolder) -> RunMeta:
    """Read `run.json`; raises `UsageError` that says what is wrong with the folder, and what to do."""
    content = _read(folder.meta)
    try:
        head = msgspec.json.decode(content, type=_Head)
        if head.schema > SCHEMA:
            raise UsageError(
                f"{folder.meta} has schema {head.schema}; this harness reads up to {SCHEMA}",
                next_step="upgrade failover-harness to the version that wrote it",
            )
        return msgspec.json.decode(content, type=RunMeta)
    except msgspec.DecodeError as error:
        raise UsageError(
            f"{folder.meta} was not written by this harness, or is damaged: {error}",
            next_step="name the folder of a run, such as runs/<scenario>/latest",
        ) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path.parent} is not a run: cannot read run.json ({error.strerror})",
            next_step="name the folder of a run, such as runs/<scenario>/latest",
        ) from error
