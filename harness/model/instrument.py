"""What a load generator must know of an instrument to send orders that make sense."""

from __future__ import annotations

import msgspec


class Instrument(msgspec.Struct, frozen=True):
    """One instrument. Prices are integers of 1e-8 of its quote unit, quantities whole contracts.

    `kind` is `perpetual`, `future`, `option_call` or `option_put`. `reference_price` is about where it trades
    now (a multiple of `tick`); orders are placed around it. Quantities are drawn from `minimum_quantity` to
    `maximum_quantity`, both included.
    """

    name: str
    kind: str
    tick: int
    reference_price: int
    minimum_quantity: int
    maximum_quantity: int
