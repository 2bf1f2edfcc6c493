"""Operations with the time at which each is due: what pure models yield, and drivers carry out."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from harness.model.operations import Fail, Ok, Operation, Reply

FLOW = "flow"
PROBE = "probe"
RECONNECT = "reconnect"
QUERY = "query"
RESOLVE = "resolve"


class TimedOperation(NamedTuple):
    """One operation: due `due_ns` after time zero, through the session `client`, whose home is `gateway`."""

    due_ns: int
    purpose: str
    client: str
    gateway: str
    operation: Operation


def merged(streams: Iterable[Iterable[TimedOperation]]) -> Iterator[TimedOperation]:
    """Several streams as one, by due time; equal times keep the order of the streams."""
    return heapq.merge(*streams, key=lambda timed: timed.due_ns)


def outcome_of(reply: Reply) -> str:
    """The word that records use for a reply."""
    match reply:
        case Ok():
            return "ok"
        case Fail():
            return "fail"
    return "info"
