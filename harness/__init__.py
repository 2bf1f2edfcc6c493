"""A chaos-engineering and failover test harness.

The package imports nothing heavy: what a command or a test uses is imported when it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.history.run import Run, load_run

__all__ = ["Run", "load_run"]


def __getattr__(name: str) -> Any:
    """Import the history, and pandas with it, only when it is asked for."""
    if name in __all__:
        from harness.history import run

        return getattr(run, name)
    raise AttributeError(f"module 'harness' has no attribute {name!r}")
