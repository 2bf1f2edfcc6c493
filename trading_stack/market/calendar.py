"""When the market's sources speak: one tick of prices every 40 ms, one of the surface with every fourth of them.

A sequence number is the count of ticks on the host's monotonic clock, so that the same number means the same moment at
every source without the sources knowing each other. (All sources of one market must therefore see one monotonic clock,
as processes and containers of one host do.) Market time is `MARKET_EPOCH_NS` and the time in a cycle of one day:
wherever a run lies on the host's clock, options have between 28 and 86 days to live.
"""

from __future__ import annotations

from typing import Final

from trading_stack.instruments import MARKET_EPOCH_NS

TICK_NS: Final = 40_000_000
SURFACE_EVERY: Final = 4
_CYCLE_NS: Final = 24 * 3600 * 10**9


def sequence_at(mono_ns: int) -> int:
    """The sequence of the price tick that is due at this monotonic time, or was last."""
    return mono_ns // TICK_NS


def due_ns(sequence: int) -> int:
    """The monotonic time at which a price tick is due."""
    return sequence * TICK_NS


def event_ns(sequence: int) -> int:
    """The market time of a price tick."""
    return MARKET_EPOCH_NS + due_ns(sequence) % _CYCLE_NS


def surface_sequence(sequence: int) -> int:
    """The sequence of the surface that holds at a price tick."""
    return sequence // SURFACE_EVERY


def market_time_ns(mono_ns: int) -> int:
    """What a clock on the wall of this market shows; prices must never depend on it."""
    return MARKET_EPOCH_NS + mono_ns % _CYCLE_NS
