"""How a sentinel's patience and its limits are set by its environment (`docs/sentinel.md` lists the variables)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from trading_stack import settings
from trading_stack.defects import Defect
from trading_stack.sentinel.config import MS, Patience, patience_for
from trading_stack.sentinel.monitors.gauge import Bounds
from trading_stack.sentinel.monitors.limits import LIMITS, Limits

DEFAULT: Final = Patience()


def patience_of(environ: Mapping[str, str], planted: frozenset[Defect]) -> Patience:
    """Raises `SettingsError` that names the variable."""
    silence_ns = settings.milliseconds(environ, "SUSPICION_MS", DEFAULT.silence_ns / MS)
    return replace(
        patience_for(planted, silence_ns=silence_ns),
        hold_down_ns=settings.milliseconds(environ, "HOLD_DOWN_MS", DEFAULT.hold_down_ns / MS),
        window_ns=settings.milliseconds(environ, "FAILOVER_WINDOW_MS", DEFAULT.window_ns / MS),
        most_in_window=settings.count(environ, "FAILOVERS_IN_WINDOW", DEFAULT.most_in_window),
    )


def limits_of(environ: Mapping[str, str]) -> Limits:
    """The figures from which a primary's work fails; raises `SettingsError` that names the variable."""

    def milliseconds(name: str, bounds: Bounds) -> Bounds:
        return _from(bounds, settings.milliseconds(environ, name, bounds.failing / MS))

    def count(name: str, bounds: Bounds, *, each: int = 1) -> Bounds:
        return _from(bounds, each * settings.count(environ, name, bounds.failing // each))

    return Limits(
        commit_stall_ns=milliseconds("COMMIT_STALL_MS", LIMITS.commit_stall_ns),
        fsync_age_ns=milliseconds("FSYNC_AGE_MS", LIMITS.fsync_age_ns),
        queued_commands=count("QUEUED_COMMANDS", LIMITS.queued_commands),
        failed_permille=count("FAILED_PERCENT", LIMITS.failed_permille, each=10),
        latency_ns=milliseconds("LATENCY_MS", LIMITS.latency_ns),
    )


def _from(bounds: Bounds, failing: int) -> Bounds:
    """The bounds with another figure that fails; what is degraded keeps its proportion to it."""
    degraded = max(1, bounds.degraded * failing // bounds.failing)
    return Bounds(degraded, failing, bounds.lasting_ns, bounds.calm_ns)
