"""The probes: real orders, evenly spaced, at each gateway and through the client that must reconnect elsewhere.

A probe is an immediate-or-cancel limit order far from the market. It takes the whole way of an order (gateway,
primary, a durable majority) and leaves nothing behind in the book.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from harness.load.timed import PROBE, RECONNECT, TimedOperation, merged
from harness.model.instrument import Instrument
from harness.model.operations import NewOrder, Side, TimeInForce

AWAY_SHARE: Final = 20  # a twentieth below the reference: out of reach, and inside any sane price band
RECONNECTING_CLIENT: Final = "probe-reconnecting"


def probe_client(gateway: str) -> str:
    """The name of the client that probes one gateway."""
    return f"probe@{gateway}"


def probe_instrument(instruments: Sequence[Instrument]) -> Instrument:
    """The instrument that is probed: the first perpetual, else the first of all."""
    return next((each for each in instruments if each.kind == "perpetual"), instruments[0])


def probe_price(instrument: Instrument) -> int:
    """A buyer's price that no seller accepts: whole ticks, at least one."""
    ticks = instrument.reference_price * (AWAY_SHARE - 1) // AWAY_SHARE // instrument.tick
    return max(1, ticks) * instrument.tick


def probes(
    instruments: Sequence[Instrument], gateways: Sequence[str], *, first_gateway: str, every_ns: int
) -> Iterator[TimedOperation]:
    """All probes by due time; never ends. Streams are staggered, so that they don't beat as one."""
    instrument = probe_instrument(instruments)
    homes = [(PROBE, probe_client(gateway), gateway) for gateway in gateways]
    homes.append((RECONNECT, RECONNECTING_CLIENT, first_gateway))
    return merged(
        _stream(instrument, home, every_ns=every_ns, offset_ns=number * every_ns // len(homes))
        for number, home in enumerate(homes)
    )


def _stream(
    instrument: Instrument, home: tuple[str, str, str], *, every_ns: int, offset_ns: int
) -> Iterator[TimedOperation]:
    purpose, client, gateway = home
    price = probe_price(instrument)
    number = 0
    while True:
        order = NewOrder(
            account=client,
            client_order_id=f"{client}-{number:07d}",
            instrument=instrument.name,
            side=Side.BUY,
            quantity=instrument.minimum_quantity,
            price=price,
            time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL,
        )
        yield TimedOperation(offset_ns + number * every_ns, purpose, client, gateway, order)
        number += 1
