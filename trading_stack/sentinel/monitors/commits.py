"""Commit progress: how long commands have been waiting without one entry being committed."""

from __future__ import annotations

from typing import Final

from trading_stack.sentinel.monitors.monitor import MS, Subject

COMMITS: Final = Subject(
    "commits",
    figure=lambda beat, _: beat.stalled_ns,
    bounds=lambda limits: limits.commit_stall_ns,
    say=lambda stalled_ns: f"nothing committed for {stalled_ns // MS} ms",
)
