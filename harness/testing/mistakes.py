"""A person's mistakes in Python tests, told in the words of Python instead of those of a scenario file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from harness.documents.reading import said
from harness.documents.words import closest
from harness.model.errors import UsageError

M = TypeVar("M", bound=BaseModel)

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
_IN_A_FILE: Final = re.compile(r"`(\w+)(?:: (\w+))?`")


def made(model: type[M], where: str, *, called: Mapping[str, str] = _NOTHING, **settings: Any) -> M:
    """A model made from Python values.

    `where` is what the person called, `called` the names of those parameters that are not called as the model's fields.
    Raises `UsageError` with every mistake, each by the name of its parameter, and the closest valid word.
    """
    fields = model.model_fields.items()
    names = {field.alias or name: called.get(name, name) for name, field in fields}
    try:
        return model.model_validate(settings)
    except ValidationError as error:
        raise UsageError(f"{where}: {told(error, names)}") from None


def told(error: ValidationError, names: Mapping[str, str] = _NOTHING) -> str:
    """Every mistake in one line; `names` are the parameters by the keys that a scenario file has for them."""
    return "; ".join(_told(detail, names) for detail in error.errors(include_url=False))


def _told(detail: Any, names: Mapping[str, str]) -> str:
    place = ".".join(str(names.get(str(step), step)) for step in detail["loc"])
    if detail["type"] == "missing":
        return f"{place} is missing"
    if detail["type"] == "extra_forbidden":
        near = closest(str(detail["loc"][-1]), names)
        return f"there is no setting {place!r}" + (f"; did you mean {near!r}?" if near else "")
    message, near = said(detail, repr(detail["input"]))
    hint = f"; did you mean {near!r}?" if near else ""
    return (
        (f"{place}: " if place else "")
        + _IN_A_FILE.sub(lambda found: _as_python(found, names), message)
        + hint
    )


def _as_python(found: re.Match[str], names: Mapping[str, str]) -> str:
    """`shape: partial` as `shape="partial"`, and `from` as `peer`."""
    name = names.get(found[1], found[1])
    return f'`{name}="{found[2]}"`' if found[2] else f"`{name}`"
