"""Makes venues from snapshots and snapshots from entries, in a thread beside the event loop.

A snapshot is never read from the live venue: a second one goes on from the snapshot before, applies the entries since,
and is read. That costs the work of applying twice, and the loop nothing but its share of the interpreter: the thread
gives it up every half millisecond (`sys.setswitchinterval`), and no single step of it is longer than a piece of a
snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from trading_stack.journal.entries import Entry
from trading_stack.journal.snapshots import Snapshot
from trading_stack.venue.machine import Venue

NewVenue = Callable[[bytes | None], Venue]


def state_after(new_venue: NewVenue, before: Snapshot | None, entries: Sequence[Entry]) -> bytes:
    """The state of a venue that went on from a snapshot (None: from nothing) with these entries."""
    venue = new_venue(before.data if before else None)
    for entry in entries:
        venue.apply(entry.index, entry.epoch, entry.time_ns, entry.command)
    return venue.snapshot()


def venue_of(new_venue: NewVenue, snapshot: Snapshot | None) -> Venue:
    """The venue as it was when the snapshot was taken, hashed once, so that its first digest costs no more."""
    venue = new_venue(snapshot.data if snapshot else None)
    venue.digest()
    return venue
