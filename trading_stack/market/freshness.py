"""How old an input is: on the local monotonic clock, since its sequence last advanced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

INDEX_LIMIT_NS: Final = 1_000_000_000
SURFACE_LIMIT_NS: Final = 10_000_000_000


@dataclass(slots=True)
class Freshness:
    """The age of one input. `identical_refresh` is a planted defect: any tick counts as news, a repeated one, too."""

    identical_refresh: bool = False
    sequence: int = -1
    _born_ns: int = 0

    def hear(self, sequence: int, age_ns: int, now_ns: int) -> bool:
        """Take note of a tick that was `age_ns` old when it came; whether the input advanced."""
        if self.identical_refresh and sequence >= 0:
            self.sequence, self._born_ns = sequence, now_ns
            return True
        if sequence <= self.sequence:
            return False
        self.sequence, self._born_ns = sequence, now_ns - age_ns
        return True

    def age_ns(self, now_ns: int) -> int | None:
        """The age; None before the first tick."""
        return None if self.sequence < 0 else max(0, now_ns - self._born_ns)


@dataclass(slots=True)
class Vigil:
    """Notices that this process was frozen: what then waits in its sockets is older than it looks.

    `awake` is called by each message and by a timer that runs at least ten times a second.
    """

    limit_ns: int = 500_000_000
    _last_ns: int = -1

    def awake(self, now_ns: int) -> bool:
        """Whether the process slept for longer than the limit since the last call."""
        slept = self._last_ns >= 0 and now_ns - self._last_ns > self.limit_ns
        self._last_ns = now_ns
        return slept
