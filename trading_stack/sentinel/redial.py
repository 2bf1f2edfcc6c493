"""How soon a sentinel dials again; `trading_stack.dial.Redial` says what the figures mean."""

from __future__ import annotations

from typing import Final

FIRST_NS: Final = 5_000_000
MOST_NS: Final = 100_000_000
HELLO_WITHIN_NS: Final = 500_000_000
