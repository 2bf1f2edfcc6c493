"""The files of operation records: buffered writing, and following them while they grow."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec

from harness.model.record import OPERATIONS_GLOB, OperationRecord

_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(OperationRecord)


def records_path(folder: Path, worker: str) -> Path:
    """Where the records of one worker go."""
    return folder / OPERATIONS_GLOB.replace("*", worker)


class RecordWriter:
    """Appends records to one file. What is buffered reaches the file at `flush`, in one write."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._buffer = bytearray()

    def write(self, record: OperationRecord) -> None:
        self._buffer += _ENCODER.encode(record)
        self._buffer += b"\n"

    def flush(self) -> None:
        """Hand everything to the system; a short write (a full disk) leaves the rest in the buffer, and raises later."""
        while self._buffer:
            written = os.write(self._descriptor, self._buffer)
            del self._buffer[:written]

    def close(self) -> None:
        """Flush and close; safe to call twice."""
        if self._descriptor < 0:
            return
        try:
            self.flush()
        finally:
            os.close(self._descriptor)
            self._descriptor = -1


class RecordTail:
    """Reads a growing file of records; each call gives the records that were completed since the last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def read(self) -> list[OperationRecord]:
        """The new records; none while the file doesn't exist."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                fresh = file.read()
        except FileNotFoundError:
            return []
        whole = fresh[: fresh.rfind(b"\n") + 1]
        self._offset += len(whole)
        return [_DECODER.decode(line) for line in whole.splitlines()]
