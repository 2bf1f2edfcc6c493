"""Quantities as people write them (`40ms`, `99.9%`, `2MB`), read into numbers with a known unit."""

from __future__ import annotations

import re
from typing import Final

NANOSECONDS: Final = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
BYTES: Final = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}

_LARGEST: Final = 1e15
_QUANTITY = re.compile(r"(?P<number>[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?)\s*(?P<unit>[a-zA-Zµ%/]*)")


class UnitError(ValueError):
    """A quantity that cannot be read; the message names the value and what would be valid."""


def duration_ns(text: object) -> int:
    """Nanoseconds of a duration such as `40ms`, `1.5s`, `2m`.

    >>> duration_ns("1.5s")
    1500000000
    """
    number, unit = _split(text, what="a duration", example="40ms, 2s or 1.5m")
    if unit not in NANOSECONDS:
        raise UnitError(f"{text!r} is not a duration: its unit must be one of {', '.join(NANOSECONDS)}")
    return round(number * NANOSECONDS[unit])


def size_bytes(text: object) -> int:
    """Bytes of a size such as `64KiB` or `2MB`.

    >>> size_bytes("64KiB")
    65536
    """
    number, unit = _split(text, what="a size", example="64KiB or 2MB")
    if unit not in BYTES:
        raise UnitError(f"{text!r} is not a size: its unit must be one of {', '.join(BYTES)}")
    return round(number * BYTES[unit])


def rate_bytes_per_s(text: object) -> int:
    """Bytes a second of a rate such as `125kB/s`.

    >>> rate_bytes_per_s("125kB/s")
    125000
    """
    if not isinstance(text, str) or not text.endswith("/s"):
        raise UnitError(f"{text!r} is not a rate: write a size a second, such as 125kB/s")
    return size_bytes(text.removesuffix("/s"))


def fraction(text: object) -> float:
    """The fraction of a share such as `99.9%`; a plain number must lie between 0 and 1.

    >>> fraction("99.5%")
    0.995
    """
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        if 0 <= text <= 1:
            return float(text)
        raise UnitError(f"{text!r} is not a share: write a percentage such as 99.9%, or a number from 0 to 1")
    number, unit = _split(text, what="a share", example="99.9%")
    if unit != "%" or not 0 <= number <= 100:
        raise UnitError(f"{text!r} is not a share: write a percentage from 0% to 100%")
    return round(number / 100, 12)


def format_ns(value_ns: float) -> str:
    """A duration for people, with three significant digits and the unit that fits.

    >>> format_ns(268_400_000)
    '268 ms'
    """
    magnitude = abs(value_ns)
    for unit, scale in (("s", 10**9), ("ms", 10**6), ("µs", 10**3)):
        if magnitude >= scale:
            return (
                f"{value_ns / scale:.3g} {unit}"
                if magnitude < 1000 * scale
                else f"{value_ns / scale:.0f} {unit}"
            )
    return f"{value_ns:.0f} ns"


def counted(number: int, noun: str) -> str:
    """A number of things, as people say it; for nouns whose plural is an `s`.

    >>> counted(1, "run"), counted(1200, "run")
    ('1 run', '1,200 runs')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _split(text: object, *, what: str, example: str) -> tuple[float, str]:
    if not isinstance(text, str):
        raise UnitError(f"{text!r} is not {what}: write a number with its unit, such as {example}")
    match = _QUANTITY.fullmatch(text.strip())
    if match is None or not match["unit"]:
        raise UnitError(f"{text!r} is not {what}: write a number with its unit, such as {example}")
    number = float(match["number"])
    if abs(number) > _LARGEST:
        raise UnitError(f"{text!r} is beyond all measure: write {what} such as {example}")
    return number, match["unit"]
