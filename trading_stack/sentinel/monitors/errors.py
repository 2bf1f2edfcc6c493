"""The share of requests that failed in the engine's last second, in thousandths."""

from __future__ import annotations

from typing import Final

from trading_stack.sentinel.messages import Heartbeat
from trading_stack.sentinel.monitors.limits import Limits
from trading_stack.sentinel.monitors.monitor import Subject


def _permille(beat: Heartbeat, limits: Limits) -> int:
    return 1000 * beat.failed // beat.requests if beat.requests >= limits.least_requests else 0


ERRORS: Final = Subject(
    "errors",
    figure=_permille,
    bounds=lambda limits: limits.failed_permille,
    say=lambda permille: f"{permille / 10:.1f} % of the requests failed",
)
