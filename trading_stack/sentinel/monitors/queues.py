"""The depth of the engine's queue: commands that were taken and are not committed."""

from __future__ import annotations

from typing import Final

from trading_stack.sentinel.monitors.monitor import Subject

QUEUES: Final = Subject(
    "queues",
    figure=lambda beat, _: beat.queued,
    bounds=lambda limits: limits.queued_commands,
    say=lambda queued: f"{queued} commands queued",
)
