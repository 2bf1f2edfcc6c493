"""Random choices derived from one seed, so that the same run draws the same numbers."""

from __future__ import annotations

import hashlib
from typing import Final

_SPAN: Final = 1 << 64


def derive(seed: int, *parts: object) -> int:
    """A number below 2**64 that depends on the seed and on every part, and on nothing else.

    >>> derive(7, "alpha", 1) == derive(7, "alpha", 1) != derive(7, "alpha", 2)
    True
    """
    text = "\x1f".join((str(seed), *(str(part) for part in parts)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def share(seed: int, *parts: object) -> float:
    """A number from 0 up to, but without, 1, derived like `derive`."""
    return derive(seed, *parts) / _SPAN
