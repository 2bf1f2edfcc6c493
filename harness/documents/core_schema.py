"""The core schema of YAML 1.2: which plain words are null, true, false or numbers. Everything else is text.

Source: YAML 1.2.2, section 10.3.2. Unlike YAML 1.1, `NO` and `on` are words, `12:30:45` is text, `1e-9` is a number,
`010` is ten, and `0o10` is eight.
"""

from __future__ import annotations

import math
import re
from typing import Final, TypeAlias

Value: TypeAlias = bool | int | float | str | None

TAG: Final = "tag:yaml.org,2002:"
SCALAR_TAGS: Final = frozenset(TAG + name for name in ("str", "null", "bool", "int", "float"))

_WORDS: Final[dict[str, Value]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER_STARTS: Final = frozenset("+-.0123456789")
_INT: Final = re.compile(r"[-+]?[0-9]+")
_BASED: Final = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_LONGEST_NUMBER: Final = 100


class NotOfTag(ValueError):
    """A value that its explicit tag, or its own form, doesn't allow; the message says which."""


def read_plain(text: str) -> Value:
    """The value of a scalar written without quotes; raises `NotOfTag` for a number beyond all measure.

    >>> [read_plain(word) for word in ("NO", "12:30:45", "1e-9", "0o10", "010")]
    ['NO', '12:30:45', 1e-09, 8, 10]
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    number = _read_number(text)
    return text if number is None else number


def read_tagged(text: str, tag: str) -> Value:
    """The value of a scalar with an explicit core tag, such as `!!int "7"`; raises `NotOfTag`."""
    if tag == TAG + "str":
        return text
    value = read_plain(text)
    fits = {
        "null": value is None,
        "bool": isinstance(value, bool),
        "int": isinstance(value, int) and not isinstance(value, bool),
        "float": isinstance(value, (int, float)) and not isinstance(value, bool),
    }
    name = tag.removeprefix(TAG)
    if not fits[name]:
        raise NotOfTag(f"{text!r} is not what its tag !!{name} says")
    return float(value) if name == "float" and isinstance(value, int) else value


def _read_number(text: str) -> int | float | None:
    if _FLOAT.fullmatch(text) is not None:
        if len(text) > _LONGEST_NUMBER:
            raise NotOfTag(f"a number of {len(text)} digits is too long to mean anything")
        if _INT.fullmatch(text) is not None:
            return int(text)
        number = float(text)
        if math.isinf(number):
            raise NotOfTag(f"{text} is beyond the largest number")
        return number
    if _BASED.fullmatch(text) is not None and len(text) <= _LONGEST_NUMBER:
        return int(text, 0)
    return float(text.replace(".", "", 1)) if _INFINITE.fullmatch(text) is not None else None
