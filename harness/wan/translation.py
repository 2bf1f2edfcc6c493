"""Changes in the words of the HTTP API."""

from __future__ import annotations

from typing import assert_never

import msgspec

from harness.wan.changes import Disable, Enable, LinkChange, PutToxic, RemoveToxic, Sever
from harness.wan.messages import DisableOp, EnableOp, Op, PutToxicOp, RemoveToxicOp, SeverOp, ToxicInput
from harness.wan.toxics.registry import type_of


def operation(change: LinkChange) -> Op:
    """The change as an element of a batch."""
    match change:
        case PutToxic():
            return PutToxicOp(change.link, toxic_input(change))
        case RemoveToxic():
            return RemoveToxicOp(change.link, change.name)
        case Enable():
            return EnableOp(change.link)
        case Disable():
            return DisableOp(change.link)
        case Sever():
            return SeverOp(change.link)
    assert_never(change)


def toxic_input(change: PutToxic) -> ToxicInput:
    """The toxic as the API takes it."""
    return ToxicInput(
        name=change.name,
        type=type_of(change.settings).name,
        stream=change.stream.value,
        toxicity=change.toxicity,
        attributes=msgspec.Raw(msgspec.json.encode(change.settings)),
    )


def as_original(change: LinkChange) -> LinkChange:
    """The change as a real server can hold it: whole milliseconds."""
    if not isinstance(change, PutToxic):
        return change
    whole = {
        name: round(value) if isinstance(value, float) else value
        for name, value in msgspec.to_builtins(change.settings).items()
    }
    settings = msgspec.convert(whole, type(change.settings))
    return PutToxic(change.link, change.name, change.stream, settings, change.toxicity)
