"""Makes venues from snapshots and snapshots from entries, in a thread beside the event loop.

A snapshot is never read from the live venue: a second one goes on from the snapshot before, applies the entries since,
and is read. That costs the work of applying twice, and the loop nothing but its share of the interpreter: the thread
gives it up every half millisecond (`sys.setswitchinterval`), and no single step of it is longer than a piece of a
snapshot. Python's collector of cycles is off meanwhile: it would walk over all the new objects at once, and hold the
interpreter for a tenth of a second and more (`benchmarks/snapshot_stall.py`).
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from trading_stack.journal.entries import Entry
from trading_stack.journal.snapshots import Snapshot
from trading_stack.venue.machine import Venue

NewVenue = Callable[[bytes | None], Venue]


def state_after(new_venue: NewVenue, before: Snapshot | None, entries: Sequence[Entry]) -> bytes:
    """The state of a venue that went on from a snapshot (None: from nothing) with these entries."""
    with _uncollected():
        venue = new_venue(before.data if before else None)
        for entry in entries:
            venue.apply(entry.index, entry.epoch, entry.time_ns, entry.command)
        data = venue.snapshot()
        venue.dismantle()
        return data


def venue_of(new_venue: NewVenue, snapshot: Snapshot | None) -> Venue:
    """The venue as it was when the snapshot was taken, hashed once, so that its first digest costs no more."""
    with _uncollected():
        venue = new_venue(snapshot.data if snapshot else None)
        venue.digest()
        gc.freeze()  # it lives on: no later collection need look at it
    return venue


@contextmanager
def _uncollected() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
