"""Composing YAML text into nodes with their places, safely for files that nobody checked.

libyaml reads the text; tags, anchors, duplicate keys and limits are our own rules. Nothing is ever constructed but plain
data. All duplicate keys of a file are reported together; what leaves the rest without meaning is reported alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from harness.documents.core_schema import SCALAR_TAGS, TAG, NotOfTag, Value, read_plain, read_tagged
from harness.documents.nodes import Listing, Mapping, Mark, Node, Scalar, Source
from harness.model.errors import DocumentError, Problem, UsageError

try:
    from yaml.cyaml import CParser  # type: ignore[attr-defined]  # libyaml's: ten times as fast, the same events

    _Parser: Any = CParser
except ImportError:
    _Parser = yaml.Loader


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a document may be. `nodes` counts what aliases stand for each time they are used."""

    size_bytes: int = 512 * 1024
    depth: int = 40
    nodes: int = 50_000


def read_bytes(path: Path, *, limits: Limits | None = None) -> bytes:
    """The content of a file; a person's mistakes (missing, a folder, not readable, too big) are `UsageError`."""
    limit = (limits or Limits()).size_bytes
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}") from None
    except IsADirectoryError:
        raise UsageError(f"{path} is a folder, not a file") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(f"{path} can't be read: {reason}") from error
    if len(data) > limit:
        raise _fail(Mark(Source(str(path), ""), 1, 1, 1), f"the file is larger than {limit // 1024} KiB")
    return data


def decode(data: bytes, *, name: str) -> Source:
    """The text of a file; raises `DocumentError` where it stops being UTF-8."""
    try:
        return Source(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        mark = Mark(Source(name, before), line, column, 1)
        raise _fail(mark, f"byte 0x{data[error.start]:02x} is not UTF-8 text") from None


def compose(source: Source, *, merge_keys: bool = False, limits: Limits | None = None) -> Node:
    """The one document of a text; raises `DocumentError`.

    `merge_keys` gives `<<: *anchor` the meaning that compose files rely on; without it `<<` is a key like any other.
    """
    return _Composer(source, merge_keys=merge_keys, limits=limits or Limits()).document()


def compose_value(source: Source) -> Node:
    """The node of a single value, as written on a command line; an empty text is null."""
    try:
        return compose(source)
    except DocumentError:
        if source.text.strip():
            raise
        return Scalar(Mark(source, 1, 1, 1), "", None, plain=True)


class _Extent(NamedTuple):
    """How much a node stands for: values in all, and levels below one another."""

    size: int = 1
    height: int = 0


_SINGLE: Final = _Extent()


@dataclass(slots=True)
class _Open:
    """A collection that is being read. `key` is the one whose value comes next."""

    mark: Mark
    anchor: str | None
    mapping: bool
    size: int = 1
    height: int = 0
    items: list[Node] = field(default_factory=list)
    keys: dict[str, Mark] = field(default_factory=dict)
    values: dict[str, Node] = field(default_factory=dict)
    merges: list[Node] = field(default_factory=list)
    key: str | None = None
    repeated: bool = False


class _Composer:
    """Turns libyaml's events into nodes, with a stack of its own, so that no nesting can exhaust Python's."""

    def __init__(self, source: Source, *, merge_keys: bool, limits: Limits) -> None:
        self._source = source
        self._merge_keys = merge_keys
        self._limits = limits
        self._problems: list[Problem] = []
        self._anchors: dict[str, tuple[Node, _Extent]] = {}
        self._open: list[_Open] = []
        self._root: Node | None = None
        self._nodes = 0

    def document(self) -> Node:
        try:
            self._read_all()
        except yaml.MarkedYAMLError as error:
            raise self._malformed(error) from None
        except yaml.reader.ReaderError as error:
            raise self._unreadable(error) from None
        except UnicodeEncodeError:
            raise _fail(Mark(self._source, 1, 1, 1), "this is not UTF-8 text") from None
        if self._root is None:
            raise _fail(Mark(self._source, 1, 1, 1), "the file is empty")
        if self._problems:
            raise DocumentError(tuple(self._problems))
        return self._root

    def _read_all(self) -> None:
        parser: Any = _Parser(self._source.text)
        handlers = {
            yaml.ScalarEvent: self._on_scalar,
            yaml.MappingStartEvent: self._on_mapping,
            yaml.SequenceStartEvent: self._on_sequence,
            yaml.MappingEndEvent: self._on_end,
            yaml.SequenceEndEvent: self._on_end,
            yaml.AliasEvent: self._on_alias,
            yaml.DocumentStartEvent: self._on_document,
        }
        try:
            while (event := parser.get_event()) is not None:
                handler = handlers.get(type(event))
                if handler is not None:
                    handler(event)
        finally:
            parser.dispose()

    def _on_document(self, event: Any) -> None:
        if self._root is not None:
            raise _fail(self._mark(event), "a second document begins here: one file holds one document")

    def _on_scalar(self, event: Any) -> None:
        mark = self._mark(event)
        text: str = event.value
        plain = event.implicit[0]
        parent = self._open[-1] if self._open else None
        if parent is not None and parent.mapping and parent.key is None:
            self._on_key(parent, mark, text, explicit_tag=event.tag)
            return
        self._add(
            Scalar(mark, text, self._value(mark, text, event.tag, plain=plain), plain=plain), event.anchor
        )

    def _on_key(self, parent: _Open, mark: Mark, text: str, *, explicit_tag: str | None) -> None:
        if explicit_tag not in (None, "!", TAG + "str"):
            raise _fail(mark, f"a key has no tag: take {explicit_tag} away")
        parent.key = text
        merged = text == "<<" and self._merge_keys
        parent.repeated = text in parent.keys and not merged
        if parent.repeated:
            first = parent.keys[text].line
            self._problems.append(mark.problem(f"key {text!r} is there twice; the first is in line {first}"))
        elif not merged:
            parent.keys[text] = mark

    def _on_mapping(self, event: Any) -> None:
        self._begin(event, mapping=True, tag=TAG + "map")

    def _on_sequence(self, event: Any) -> None:
        self._begin(event, mapping=False, tag=TAG + "seq")

    def _begin(self, event: Any, *, mapping: bool, tag: str) -> None:
        mark = self._mark(event)
        if event.tag not in (None, "!", tag):
            raise _fail(mark, f"the tag {event.tag} is not allowed: a file holds plain data only")
        if len(self._open) >= self._limits.depth:
            raise self._too_deep(mark)
        self._refuse_as_key(mark)
        self._open.append(_Open(mark, event.anchor, mapping))

    def _on_end(self, event: Any) -> None:
        done = self._open.pop()
        node: Node
        if done.mapping:
            node = Mapping(done.mark, done.keys, done.values)
            for merge in done.merges:
                _merge(merge, into=node)
        else:
            node = Listing(done.mark, done.items)
        self._add(node, done.anchor, extent=_Extent(done.size, done.height + 1))

    def _on_alias(self, event: Any) -> None:
        mark = self._mark(event)
        found = self._anchors.get(event.anchor)
        if found is None:
            raise _fail(
                mark, f"*{event.anchor} stands for nothing: no complete value before it is &{event.anchor}"
            )
        self._refuse_as_key(mark)
        self._add(found[0], None, extent=found[1], mark=mark)

    def _too_deep(self, mark: Mark) -> DocumentError:
        return _fail(mark, f"values are nested more than {self._limits.depth} levels deep")

    def _refuse_as_key(self, mark: Mark) -> None:
        if self._open and self._open[-1].mapping and self._open[-1].key is None:
            raise _fail(mark, "a key must be a single word or text")

    def _add(
        self, node: Node, anchor: str | None, *, extent: _Extent = _SINGLE, mark: Mark | None = None
    ) -> None:
        """Put a finished node where it belongs; `mark` is the place of the alias that stands for it."""
        self._nodes += 1 if mark is None else extent.size
        if self._nodes > self._limits.nodes:
            raise _fail(mark or node.mark, f"the file stands for more than {self._limits.nodes:,} values")
        if len(self._open) + extent.height > self._limits.depth:
            raise self._too_deep(mark or node.mark)
        if anchor is not None:
            self._anchors[anchor] = (node, extent)
        if not self._open:
            self._root = node
            return
        parent = self._open[-1]
        parent.size += extent.size
        parent.height = max(parent.height, extent.height)
        if not parent.mapping:
            parent.items.append(node)
            return
        assert parent.key is not None
        if parent.key == "<<" and self._merge_keys:
            parent.merges.extend(self._merged(node, mark or node.mark))
        elif not parent.repeated:
            parent.values[parent.key] = node
        parent.key = None

    def _merged(self, node: Node, mark: Mark) -> list[Node]:
        nodes: list[Node] = node.items if isinstance(node, Listing) else [node]
        if not all(isinstance(item, Mapping) for item in nodes):
            raise _fail(mark, "`<<` merges mappings: give it an alias of a mapping, or a list of them")
        return nodes

    def _value(self, mark: Mark, text: str, tag: str | None, *, plain: bool) -> Value:
        try:
            if tag is None:
                return read_plain(text) if plain else text
            if tag == "!":
                return text
            if tag in SCALAR_TAGS:
                return read_tagged(text, tag)
        except NotOfTag as error:
            raise _fail(mark, str(error)) from None
        raise _fail(mark, f"the tag {tag} is not allowed: a file holds plain data only")

    def _mark(self, event: Any) -> Mark:
        start, end = event.start_mark, event.end_mark
        width = end.column - start.column if end.line == start.line else 1
        return Mark(self._source, start.line + 1, start.column + 1, width)

    def _malformed(self, error: yaml.MarkedYAMLError) -> DocumentError:
        at = error.problem_mark or error.context_mark
        lines = self._source.lines
        if at is not None and error.context_mark is not None and at.line >= len(lines):
            at = error.context_mark  # the end of the file shows nothing: point at what was never closed
        if at is not None and at.line < len(lines):
            mark = Mark(self._source, at.line + 1, at.column + 1, 1)
        else:
            mark = Mark(self._source, max(1, len(lines)), len(lines[-1]) + 1 if lines else 1, 1)
        said = ", ".join(part for part in (error.context, error.problem) if part)
        return _fail(mark, f"this is not YAML: {said}{_hint(self._source, mark)}")

    def _unreadable(self, error: yaml.reader.ReaderError) -> DocumentError:
        text = self._source.text
        at = next((index for index, character in enumerate(text) if _is_refused(character)), 0)
        mark = Mark(self._source, text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1, 1)
        return _fail(mark, f"character U+{ord(text[at]) if text else 0:04X} is not allowed in YAML")


def _merge(merge: Node, *, into: Mapping) -> None:
    """Keys that stand in the mapping itself win over merged ones, and earlier merges over later ones."""
    assert isinstance(merge, Mapping)
    for key, value in merge.values.items():
        if key not in into.values:
            into.values[key] = value
            into.keys[key] = merge.keys[key]


def _is_refused(character: str) -> bool:
    return not (
        character in "\t\n\r\x85"
        or " " <= character <= "~"
        or "\xa0" <= character <= "\ud7ff"
        or ("\ue000" <= character <= "\ufffd" and character != "\ufeff")
        or character >= "\U00010000"
    )


def _hint(source: Source, mark: Mark) -> str:
    line = source.lines[mark.line - 1] if mark.line <= len(source.lines) else ""
    return " (indent with spaces, not with tabs)" if "\t" in line[: mark.column] else ""


def _fail(mark: Mark, message: str) -> DocumentError:
    return DocumentError((mark.problem(message),))
