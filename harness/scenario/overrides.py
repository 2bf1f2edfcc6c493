"""Overrides from the command line: `--set mode=frozen`, `--set timeline.0.at=5s`, `--set load.orders_per_s=50`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from harness.documents.composing import compose_value
from harness.documents.nodes import Listing, Mapping, Mark, Node, Scalar, Source
from harness.documents.reading import keys_of
from harness.documents.words import closest, listed
from harness.model.errors import DocumentError
from harness.scenario.matrix import PARAMETERS
from harness.scenario.settings import Head

TOP_LEVEL: Final = (*keys_of(Head), "timeline", "expect", PARAMETERS)


def apply_overrides(root: Mapping, overrides: Iterable[str]) -> Mapping:
    """The document with each `path=value` put in place; the document that was given stays as it was.

    A path is keys, indices and ids of the timeline with dots between; a parameter's name alone sets that
    parameter to one value. Values are read as YAML. Raises `DocumentError` that names the override.
    """
    for override in overrides:
        root = _apply(root, override)
    return root


def _apply(root: Mapping, override: str) -> Mapping:
    path, equals, text = override.partition("=")
    steps = path.split(".")
    mark = Mark(Source("--set", override), 1, 1, max(1, len(path)))
    if not equals or not all(steps):
        raise _fail(mark, f"{override!r} is not `path=value`, such as timeline.0.at=5s")
    value = compose_value(Source(f"--set {path}", text))
    parameters = root.values.get(PARAMETERS)
    names = list(parameters.values) if isinstance(parameters, Mapping) else []
    if len(steps) == 1 and steps[0] in names:
        steps, value = [PARAMETERS, steps[0]], Listing(value.mark, [value])
    elif steps[0] not in TOP_LEVEL:
        valid = (*names, *TOP_LEVEL)
        raise _fail(mark, f"{steps[0]!r} is no parameter or key of a scenario", near=closest(steps[0], valid))
    changed = _put(root, steps, value, mark)
    assert isinstance(changed, Mapping)
    return changed


def _put(node: Node, steps: list[str], value: Node, mark: Mark) -> Node:
    if not steps:
        return value
    step, *below = steps
    if isinstance(node, Listing):
        index = _index(node, step, mark)
        items = [*node.items]
        items[index] = _put(items[index], below, value, mark)
        return Listing(node.mark, items)
    if isinstance(node, Mapping):
        child = node.values.get(step, Mapping(mark, {}, {}))
        keys = {**node.keys, step: node.keys.get(step, mark)}
        return Mapping(node.mark, keys, {**node.values, step: _put(child, below, value, mark)})
    raise _fail(mark, f"there is nothing at {step!r}: {node.text!r} is a single value")


def _index(node: Listing, step: str, mark: Mark) -> int:
    """The place of an item, by its number or by its `id`."""
    if step.isdecimal() and int(step[:9]) < len(node.items):
        return int(step[:9])
    ids = {_id(item): index for index, item in enumerate(node.items)}
    if step in ids:
        return ids[step]
    named = listed(word for word in ids if word) or "none"
    raise _fail(
        mark,
        f"there is no item {step!r} among {len(node.items)} (counted from 0; ids: {named})",
        near=closest(step, ids),
    )


def _id(item: Node) -> str:
    found = item.values.get("id") if isinstance(item, Mapping) else None
    return found.text if isinstance(found, Scalar) else ""


def _fail(mark: Mark, message: str, *, near: str | None = None) -> DocumentError:
    return DocumentError((mark.problem(message, closest=near),))
