"""The toxics that exist, by the name they have on the wire."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from harness.wan.toxics.contract import Place, Stage

Settings = TypeVar("Settings", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class ToxicType:
    """One kind of toxic: its name, its settings, what starts it on a direction, and whether Toxiproxy has it, too."""

    name: str
    settings: type[msgspec.Struct]
    start: Callable[[Any, Place], Stage]
    original: bool


_TYPES: dict[str, ToxicType] = {}
_NAMES: dict[type[msgspec.Struct], str] = {}


def register(
    name: str, settings: type[Settings], start: Callable[[Settings, Place], Stage], *, original: bool = True
) -> None:
    """Make a toxic known under a name.

    Raises:
        ValueError: The name, or the settings, are taken.
    """
    if name in _TYPES or settings in _NAMES:
        raise ValueError(f"toxic {name!r} is registered twice; known are {', '.join(sorted(_TYPES))}")
    _TYPES[name] = ToxicType(name, settings, start, original)
    _NAMES[settings] = name


def toxic_type(name: str) -> ToxicType | None:
    """The kind of toxic of that name, or None."""
    return _TYPES.get(name)


def type_of(settings: msgspec.Struct) -> ToxicType:
    """The kind of toxic whose settings these are.

    Raises:
        ValueError: No toxic has settings of this type.
    """
    name = _NAMES.get(type(settings))
    if name is None:
        raise ValueError(
            f"{type(settings).__name__} is no toxic's settings; known are {', '.join(sorted(_TYPES))}"
        )
    return _TYPES[name]


def toxic_types() -> tuple[ToxicType, ...]:
    """Every kind of toxic, by name."""
    return tuple(_TYPES[name] for name in sorted(_TYPES))
