"""What came of a healing, as data."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Result(StrEnum):
    """What came of one undo."""

    HEALED = "healed"  # undone, and read back
    MOOT = "moot"  # there was nothing to undo any more
    FAILED = "failed"  # still broken


class Mended(msgspec.Struct, frozen=True):
    """One undo that was carried out; `detail` is a sentence for people."""

    subject: str
    result: Result
    detail: str


class HealReport(msgspec.Struct, frozen=True):
    """One lease that was healed by somebody other than its owner, and why; `at_s` counts since 1970."""

    lease: str
    name: str
    owner_pid: int
    cause: str
    at_s: float
    took_ms: float
    mended: tuple[Mended, ...]

    @property
    def healed(self) -> bool:
        """Whether nothing is left broken."""
        return all(one.result is not Result.FAILED for one in self.mended)

    def __str__(self) -> str:
        parts = ", ".join(f"{one.subject}: {one.detail}" for one in self.mended)
        return f"{self.name} ({self.cause}): {parts}"
