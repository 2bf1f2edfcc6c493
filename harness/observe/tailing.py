"""Following files that grow, by reading past what was read: no notification that only one system has."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

CHUNK_BYTES: Final = 1 << 18


class LineAssembler:
    """Whole lines out of pieces; a line that was not finished waits for its end."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[bytes]:
        """The lines that this piece finished, without their newlines."""
        if b"\n" not in piece:
            self._rest += piece
            return []
        *lines, self._rest = (self._rest + piece).split(b"\n")
        return lines


class Tail:
    """One file that grows; it need not exist yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._offset = 0
        self._lines = LineAssembler()

    def read(self) -> list[bytes]:
        """The lines that were finished since the last call."""
        if self._descriptor < 0 and not self._opened():
            return []
        lines: list[bytes] = []
        while piece := os.pread(self._descriptor, CHUNK_BYTES, self._offset):
            self._offset += len(piece)
            lines += self._lines.feed(piece)
        return lines

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _opened(self) -> bool:
        try:
            self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        return True


class Tails:
    """Several named files, each followed on its own."""

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self._tails = {name: Tail(path) for name, path in paths.items()}

    def read(self) -> Iterator[tuple[str, bytes]]:
        """The new lines of all files, with the file's name; in order within one file."""
        for name, tail in self._tails.items():
            for line in tail.read():
                yield name, line

    def close(self) -> None:
        for tail in self._tails.values():
            tail.close()
