"""The age of the last fsync, as far as something has been waiting for one: a store without work is not slow."""

from __future__ import annotations

from typing import Final

from trading_stack.sentinel.monitors.monitor import MS, Subject

FSYNCS: Final = Subject(
    "fsyncs",
    figure=lambda beat, _: min(beat.fsync_age_ns, beat.write_age_ns),
    bounds=lambda limits: limits.fsync_age_ns,
    say=lambda age_ns: f"no fsync for {age_ns // MS} ms",
)
