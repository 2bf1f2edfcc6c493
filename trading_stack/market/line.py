"""One channel of one source as a feed handler hears it: what came, what is missing, what to ask for again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

KEEP: Final = 1000  # ticks of the past that are worth recovering: the moving average's window and some


@dataclass(slots=True)
class Line:
    """Sequence numbers of one channel. Ticks may come late, twice or not at all; the order of arrival is free."""

    keep: int = KEEP
    newest: int = -1
    gaps: int = 0
    _heard: set[int] = field(default_factory=set)
    _contiguous: int = -1

    def hear(self, sequence: int) -> tuple[int, int] | None:
        """Take note of a tick; the first and last sequence of a gap that it has just opened, or None."""
        opened = None
        if self.newest >= 0 and sequence > self.newest + 1:
            opened = (max(self.newest + 1, sequence - self.keep), sequence - 1)
            self.gaps += 1
        self._heard.add(sequence)
        self.newest = max(self.newest, sequence)
        self._advance()
        return opened

    def resume_after(self) -> int:
        """The sequence after which a new connection should begin: all up to it came, or is too old to matter."""
        return self._contiguous

    def _advance(self) -> None:
        if self._contiguous < 0:
            self._contiguous = min(self._heard) if self._heard else -1
        self._contiguous = max(self._contiguous, self.newest - self.keep)
        while self._contiguous + 1 in self._heard:
            self._contiguous += 1
        if len(self._heard) > 2 * self.keep:
            self._heard = {sequence for sequence in self._heard if sequence > self._contiguous}
