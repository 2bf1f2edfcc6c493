"""The drop copy has the shape that the harness reads, however long it is."""

from __future__ import annotations

import msgspec
import pytest

from harness.model.replica import ReplicaDump
from trading_stack.engine import dump
from trading_stack.engine.dump import Snapshot
from trading_stack.journal.log import Log
from trading_stack.simulation.network import MS
from trading_stack.simulation.world import World
from trading_stack.venue.commands import New, Resolve, encode, epoch
from trading_stack.venue.machine import Venue


def order(name: str, side: str) -> bytes:
    price = 50_000 * 10**8
    return encode(New("account", name, "BTC-PERPETUAL", side, 10, "limit", price, "gtc"))  # type: ignore[arg-type]


@pytest.mark.parametrize("chunk", [1, 2, 1000])
def test_the_harness_reads_it(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dump, "CHUNK", chunk)
    log, venue = Log(), Venue(defects=frozenset())
    for command in (epoch(1, "alpha"), order("a", "buy"), order("b", "buy"), encode(Resolve("x", "y"))):
        entry = log.write(1, 0, command)
        venue.apply(entry.index, entry.epoch, entry.time_ns, entry.command)
    view = World(1).engines["alpha"].replica.view()
    snapshot = Snapshot(
        "engine-alpha", "alpha", view, venue.digest(), venue.index, 0, log.slice(1, 4), venue.dump()
    )
    read = msgspec.json.decode(snapshot.encode(), type=ReplicaDump)
    assert [(entry.index, entry.type, entry.client_order_id) for entry in read.entries] == [
        (1, "epoch", None),
        (2, "new", "a"),
        (3, "new", "b"),
        (4, "resolve", "y"),
    ]
    assert read.entries[1].hash == log.at(2).hash.hex()
    assert len(read.executions) == len(venue.dump().executions) > 0
    assert len(read.orders) == 2
    assert (read.first_index, read.applied_index, read.role) == (1, 4, "standby")


def test_an_empty_log_begins_at_one() -> None:
    venue = Venue(defects=frozenset())
    world = World(1)
    world.run(1 * MS)
    snapshot = Snapshot(
        "n", "p", world.engines["alpha"].replica.view(), venue.digest(), 0, 0, [], venue.dump()
    )
    read = msgspec.json.decode(snapshot.encode(), type=ReplicaDump)
    assert (read.first_index, read.entries, read.orders) == (1, [], [])
