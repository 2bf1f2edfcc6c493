"""What a load generator must know of an instrument to send orders that make sense."""

from __future__ import annotations

import msgspec


class Instrument(msgspec.Struct, frozen=True):
    """One instrument. Prices are integers of 1e-8 of its quote unit, quantities whole contracts.

    `kind` is `perpetual`, `future`, `option_call` or `option_put`. `reference_price` is about where it trades
    now (a multiple of `tick`); orders are placed around it. Quantities are drawn from `minimum_quantity` to
    `maximum_quantity`, both included.

    What a stack leaves out of the rest is not judged. `contract_value` is what one contract is worth: 1e-8 USD of an
    inverse perpetual or future, 1e-8 coin of an option; whoever tells it books fills as predicate O7 computes them again.
    `price_band` is how far from the mark a limit price may be: 1e-8 of the mark, for an option 1e-8 coin.
    """

    name: str
    kind: str
    tick: int
    reference_price: int
    minimum_quantity: int
    maximum_quantity: int
    contract_value: int | None = None
    price_band: int | None = None
