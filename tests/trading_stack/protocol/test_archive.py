"""A snapshot that is made beside the loop is the one that the live venue would give."""

from __future__ import annotations

import gc

from trading_stack.engine.archive import state_after, venue_of
from trading_stack.journal.log import Log
from trading_stack.journal.snapshots import Snapshot
from trading_stack.venue.commands import New, encode
from trading_stack.venue.machine import Venue


def new_venue(data: bytes | None) -> Venue:
    return Venue(defects=frozenset()) if data is None else Venue.restore(data, defects=frozenset())


def order(number: int) -> bytes:
    side = "buy" if number % 3 else "sell"
    price = (50_000 + number % 7) * 10**8
    return encode(New(f"a{number % 5}", f"o{number}", "BTC-PERPETUAL", side, 2, "limit", price, "gtc"))


def test_going_on_from_a_snapshot_gives_what_the_live_venue_holds() -> None:
    log, live = Log(), new_venue(None)
    for number in range(60):
        entry = log.write(1, number, order(number))
        live.apply(entry.index, entry.epoch, entry.time_ns, entry.command)
    first = Snapshot.of(log.base_at(20), state_after(new_venue, None, log.slice(1, 20)))
    second = Snapshot.of(log.base_at(60), state_after(new_venue, first, log.slice(21, 60)))
    assert second.data == live.snapshot()
    assert venue_of(new_venue, second).digest() == live.digest()
    assert gc.isenabled()
