"""`verdicts.json`: a judgement on disk, the same bytes whenever it is made again."""

from __future__ import annotations

import msgspec

from harness.history.folder import RunFolder, write_atomically
from harness.model.errors import UsageError
from harness.model.judgement import Judgement


def write_verdicts(folder: RunFolder, judgement: Judgement) -> None:
    """Write the judgement of a run, whole or not at all."""
    write_atomically(folder.verdicts, verdict_bytes(judgement))


def verdict_bytes(judgement: Judgement) -> bytes:
    """A judgement as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(judgement), indent=2) + b"\n"


def read_verdicts(folder: RunFolder) -> Judgement:
    """The judgement that was stored with a run; raises `UsageError` when there is none that can be read."""
    try:
        return msgspec.json.decode(folder.verdicts.read_bytes(), type=Judgement)
    except FileNotFoundError:
        raise UsageError(
            f"{folder.path} was never judged", next_step=f"harness check {folder.path}"
        ) from None
    except msgspec.DecodeError as error:
        raise UsageError(
            f"{folder.verdicts} cannot be read: {error}", next_step=f"harness check {folder.path}"
        ) from None
