"""The nodes of a document: what YAML says, each value with the place where a person wrote it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

from harness.documents.core_schema import Value
from harness.model.errors import Problem

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"
Step: TypeAlias = str | int


@dataclass(frozen=True)
class Source:
    """The text that nodes come from, and the name that errors call it by."""

    name: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the text, without their ends."""
        return self.text.splitlines()


class Mark(NamedTuple):
    """A place in a source; line and column count from 1, `width` in characters."""

    source: Source
    line: int
    column: int
    width: int

    def problem(self, message: str, *, closest: str | None = None) -> Problem:
        """A mistake at this place, with the line it stands on."""
        lines = self.source.lines
        text = lines[self.line - 1] if 0 < self.line <= len(lines) else ""
        shown, column = _excerpt(text, self.column)
        return Problem(
            file=self.source.name,
            line=self.line,
            column=self.column,
            message=message,
            source_line=shown,
            width=max(1, min(self.width, len(shown) - column + 1)),
            closest=closest,
        )


class Scalar:
    """A single value: `text` as written, `value` as YAML's core schema reads it, `plain` if it stood without quotes."""

    __slots__ = ("mark", "plain", "text", "value")

    def __init__(self, mark: Mark, text: str, value: Value, *, plain: bool) -> None:
        self.mark = mark
        self.text = text
        self.value = value
        self.plain = plain


class Listing:
    """A sequence of nodes."""

    __slots__ = ("items", "mark")

    def __init__(self, mark: Mark, items: list[Node]) -> None:
        self.mark = mark
        self.items = items


class Mapping:
    """Keys and their nodes, in the file's order. `keys` has the place of each key."""

    __slots__ = ("keys", "mark", "values")

    def __init__(self, mark: Mark, keys: dict[str, Mark], values: dict[str, Node]) -> None:
        self.mark = mark
        self.keys = keys
        self.values = values


Node: TypeAlias = Scalar | Listing | Mapping


def plain(node: Node) -> Plain:
    """The node as plain Python data."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Listing):
        return [plain(item) for item in node.items]
    return {key: plain(value) for key, value in node.values.items()}


def kind(node: Node) -> str:
    """What a node is, in words for messages."""
    if isinstance(node, Listing):
        return "a list"
    if isinstance(node, Mapping):
        return "a mapping"
    return "nothing" if node.value is None else repr(node.value)


def place(node: Node, path: Sequence[Step]) -> Mark:
    """Where a path of keys and indices leads, or the last place that it reaches.

    Steps that the document doesn't have are skipped: a model's own inner names may stand among them.
    """
    mark = node.mark
    for step in path:
        if isinstance(node, Mapping) and isinstance(step, str) and step in node.values:
            node = node.values[step]
        elif isinstance(node, Listing) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
        else:
            continue
        mark = node.mark
    return mark


def key_place(node: Node, path: Sequence[Step]) -> Mark:
    """Where the last key of a path stands; the place of its value if it is an index."""
    *above, last = path
    parent = descend(node, above)
    if isinstance(parent, Mapping) and isinstance(last, str) and last in parent.keys:
        return parent.keys[last]
    return place(node, path)


def descend(node: Node, path: Sequence[Step]) -> Node:
    """The last node that a path reaches; steps that the document doesn't have are skipped, as in `place`."""
    for step in path:
        if isinstance(node, Mapping) and isinstance(step, str) and step in node.values:
            node = node.values[step]
        elif isinstance(node, Listing) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
    return node


def scalars(node: Node) -> Iterator[Scalar]:
    """Every scalar below a node, in the file's order; keys are not among them."""
    if isinstance(node, Scalar):
        yield node
        return
    for child in node.items if isinstance(node, Listing) else node.values.values():
        yield from scalars(child)


_SHOWN = 160


def _excerpt(text: str, column: int) -> tuple[str, int]:
    """The line, cut if it is very long, with what a terminal might act upon made harmless.

    Every character keeps its width, so that the caret under it stays in place.
    """
    shown = "".join(
        character if character.isprintable() else " " for character in text[: max(_SHOWN, column + 20)]
    )
    return shown, min(column, len(shown) + 1)
