"""One figure over time, as a level with hysteresis."""

from __future__ import annotations

from enum import IntEnum

import msgspec


class Level(IntEnum):
    """How bad a figure is; a higher one is worse."""

    HEALTHY = 0
    DEGRADED = 1
    FAILING = 2


class Bounds(msgspec.Struct, frozen=True):
    """From which figure on it is degraded, and from which failing, and for how long without a break.

    A level is left only when the figure has been below `degraded` for `calm_ns`: what lies between the bounds neither
    makes a healthy figure fail nor a failing one healthy.
    """

    degraded: int
    failing: int
    lasting_ns: int
    calm_ns: int


class Gauge:
    """Told of a figure now and then. After a gap of more than `gap_ns` between two figures the time begins anew: it
    is no evidence, whoever was silent or did not look."""

    def __init__(self, bounds: Bounds, *, gap_ns: int) -> None:
        self.level = Level.HEALTHY
        self.figure = 0
        self._bounds = bounds
        self._gap_ns = gap_ns
        self._told_ns: int | None = None
        self._degraded_ns: int | None = None
        self._failing_ns: int | None = None
        self._calm_ns: int | None = None

    @property
    def at_rest(self) -> bool:
        """Whether a figure below the bounds would change nothing, however often it were told."""
        return self.level is Level.HEALTHY and self._degraded_ns is None

    def tell(self, figure: int, now_ns: int) -> None:
        """Note a figure; the level is as of now."""
        bounds = self._bounds
        if self._told_ns is not None and now_ns - self._told_ns > self._gap_ns:
            self._degraded_ns = self._failing_ns = self._calm_ns = None
        self._told_ns, self.figure = now_ns, figure
        self._degraded_ns = _since(self._degraded_ns, now_ns, holds=figure >= bounds.degraded)
        self._failing_ns = _since(self._failing_ns, now_ns, holds=figure >= bounds.failing)
        self._calm_ns = _since(self._calm_ns, now_ns, holds=figure < bounds.degraded)
        self._judge(now_ns)

    def _judge(self, now_ns: int) -> None:
        bounds = self._bounds
        if self._failing_ns is not None and now_ns - self._failing_ns >= bounds.lasting_ns:
            self.level = Level.FAILING
        elif self._calm_ns is not None and now_ns - self._calm_ns >= bounds.calm_ns:
            self.level = Level.HEALTHY
        elif self._degraded_ns is not None and now_ns - self._degraded_ns >= bounds.lasting_ns:
            self.level = max(self.level, Level.DEGRADED)


def _since(since_ns: int | None, now_ns: int, *, holds: bool) -> int | None:
    """From when on something has held without a break; None when it does not."""
    if not holds:
        return None
    return now_ns if since_ns is None else since_ns
