"""Reading nodes into pydantic models, with every mistake at its place and in words for people."""

from __future__ import annotations

import re
import types
from collections.abc import Collection, Iterator, Sequence
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from harness.documents.nodes import Mapping, Node, Step, descend, key_place, kind, place, plain
from harness.documents.words import closest, listed
from harness.model.errors import Problem
from harness.model.quantities import FROM_FILE

M = TypeVar("M", bound=BaseModel)

_QUOTED: Final = re.compile(r"'([^']*)'")
_EXPECTED: Final = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a smaller number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
}


def read_model(
    model: type[M],
    node: Node,
    problems: list[Problem],
    *,
    path: Sequence[Step] = (),
    leave_out: Collection[str] = (),
) -> M | None:
    """The model that a node describes, or None with its mistakes added to `problems`.

    `path` is where the node stands, for messages. Keys in `leave_out` belong to somebody else; they are named among the
    valid ones when a key is unknown.
    """
    if not isinstance(node, Mapping):
        problems.append(
            node.mark.problem(f"{_named(path)}expected {_EXPECTED['model_type']}, found {kind(node)}")
        )
        return None
    data = {key: plain(value) for key, value in node.values.items() if key not in leave_out}
    try:
        return model.model_validate(data, context=FROM_FILE, by_alias=True, by_name=False)
    except ValidationError as error:
        problems.extend(
            _problem(detail, model, node, tuple(path), also=leave_out)
            for detail in error.errors(include_url=False)
        )
        return None


def keys_of(model: type[BaseModel]) -> tuple[str, ...]:
    """The keys that a model reads from a file, in their order."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def _problem(
    detail: ErrorDetails, model: type[BaseModel], node: Node, path: tuple[Step, ...], *, also: Collection[str]
) -> Problem:
    loc = detail["loc"]
    if detail["type"] == "extra_forbidden":
        return _unknown_key(model, node, loc, also=also if len(loc) == 1 else ())
    if detail["type"] == "missing":
        return place(node, loc[:-1]).problem(f"{_named((*path, *loc[:-1]))}`{loc[-1]}` is missing")
    message, near = said(detail, kind(descend(node, loc)))
    return place(node, loc).problem(f"{_named((*path, *_known(node, loc)))}{message}", closest=near)


def _unknown_key(
    model: type[BaseModel], node: Node, loc: tuple[Step, ...], *, also: Collection[str]
) -> Problem:
    owner = _model_at(model, loc[:-1])
    valid = (*(keys_of(owner) if owner is not None else ()), *also)
    key = str(loc[-1])
    near = closest(key, valid)
    message = f"unknown key {key!r}"
    if near is None and valid:
        message += f": the keys here are {listed(valid)}"
    elif near is None:
        message += ": there are no keys here"
    return key_place(node, loc).problem(message, closest=near)


def said(detail: ErrorDetails, what: str) -> tuple[str, str | None]:
    """The message about one value, and the closest valid word if a word is wrong; `what` says what stands there."""
    error_type, context = detail["type"], detail.get("ctx", {})
    value = what if _EXPECTED.get(error_type) else repr(detail["input"])
    if detail["input"] is None and error_type == "value_error" and detail["loc"]:
        return "a value is missing here", None
    if error_type == "value_error":
        return str(context["error"]), None
    if error_type in ("literal_error", "enum"):
        valid = _QUOTED.findall(context["expected"])
        word = detail["input"]
        near = closest(word, valid) if isinstance(word, str) else None
        return f"{value} is none of {', '.join(valid)}", near
    if error_type in _EXPECTED:
        return f"expected {_EXPECTED[error_type]}, found {value}", None
    return f"{value}: {detail['msg'][0].lower()}{detail['msg'][1:]}", None


def _known(node: Node, loc: Sequence[Step]) -> Iterator[Step]:
    """The steps of a model's location that the document has, too."""
    for step in loc:
        below = descend(node, (step,))
        if below is not node:
            yield step
            node = below


def _named(path: Sequence[Step]) -> str:
    name = ""
    for step in path:
        name += f"[{step}]" if isinstance(step, int) else f".{step}" if name else step
    return f"`{name}`: " if name else ""


def _model_at(model: type[BaseModel], loc: Sequence[Step]) -> type[BaseModel] | None:
    """The model whose keys stand at a location, as far as the annotations tell."""
    current: type[BaseModel] | None = model
    for step in loc:
        if current is None or isinstance(step, int):
            continue
        fields = {field.alias or name: field.annotation for name, field in current.model_fields.items()}
        if step in fields:
            current = next(_models_in(fields[step]), None)
    return current


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Union, types.UnionType, Annotated, tuple, list, dict):
        for argument in get_args(annotation):
            yield from _models_in(argument)
