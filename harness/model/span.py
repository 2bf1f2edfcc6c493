"""When several effects took place."""

from __future__ import annotations

from typing import NamedTuple


class Span(NamedTuple):
    """From the first to the last measured effect, in ns of the host's monotonic clock."""

    first_ns: int
    last_ns: int
