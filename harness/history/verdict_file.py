"""`verdicts.json`: what the checks said of a run. Written the same, byte for byte, for the same verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from harness.history.folder import RunFolder, write_atomically
from harness.model.errors import UsageError
from harness.model.verdicts import Verdict

_decoder: Final = msgspec.json.Decoder(tuple[Verdict, ...])


def encode_verdicts(verdicts: Sequence[Verdict]) -> bytes:
    """The content of the file."""
    return msgspec.json.format(msgspec.json.encode(tuple(verdicts)), indent=2) + b"\n"


def write_verdicts(folder: RunFolder, verdicts: Sequence[Verdict]) -> None:
    """Write `verdicts.json`, whole or not at all."""
    write_atomically(folder.verdicts, encode_verdicts(verdicts))


def read_verdicts(folder: RunFolder) -> tuple[Verdict, ...]:
    """Read `verdicts.json`; raises `UsageError` when it is absent or damaged."""
    try:
        return _decoder.decode(folder.verdicts.read_bytes())
    except OSError as error:
        raise UsageError(
            f"{folder.path} has no verdicts ({error.strerror})", next_step=f"harness check {folder.path}"
        ) from error
    except msgspec.DecodeError as error:
        raise UsageError(
            f"{folder.verdicts} is damaged: {error}", next_step=f"harness check {folder.path}"
        ) from error
