"""The commands that change a venue, as they stand in the journal: msgpack arrays, the tag first.

A command is bytes to the journal. Every field is an integer, a text or nothing, so that the same command
has the same bytes and the same meaning on every replica.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, TypedDict

import msgspec


class New(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="N"):
    """A new order. `price` is 1e-8 of the quote unit, None for a market order; `quantity` whole contracts.

    `refusal` is the verdict of the gateway's price band, of which the venue has no opinion of its own. It goes
    through the journal because a gateway alone can't refuse for good: an earlier copy of the order, sent through
    another gateway, may have been executed. Copies of one order may differ in it.
    """

    account: str
    client_order_id: str
    instrument: str
    side: Literal["buy", "sell"]
    quantity: int
    order_type: Literal["limit", "market"]
    price: int | None
    time_in_force: Literal["gtc", "ioc", "fok", "post_only"]
    refusal: Literal["", "price_band", "no_fresh_price"] = ""

    def same_order(self, other: New) -> bool:
        """Whether the client asked for the same."""
        return self == other or self == msgspec.structs.replace(other, refusal=self.refusal)


class Cancel(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="C"):
    """Cancel what is left of an order. `request` names this very request.

    A refusal is remembered under `request`: a second copy of a refused cancel must not succeed because its
    order arrived in between.
    """

    account: str
    client_order_id: str
    request: str


class Resolve(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="R"):
    """Close a client order id for ever if the venue has never seen it; else just tell the order's state."""

    account: str
    client_order_id: str


class Marks(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="M"):
    """Mark prices (1e-8 of the quote unit) with the age and the valuation time of what they came from."""

    prices: dict[str, int]
    source_sequence: int
    input_age_ns: int
    valuation_ns: int


class Epoch(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="E"):
    """The first command of a new primary."""

    epoch: int
    primary: str


Command: TypeAlias = New | Cancel | Resolve | Marks | Epoch


class Description(TypedDict, total=False):
    """The fields of a log entry that a command tells, named as drop copies name them."""

    type: str
    account: str
    client_order_id: str
    instrument: str
    side: str
    quantity: int
    order_type: str
    price: int | None
    time_in_force: str
    refusal: str
    marks: dict[str, int]
    marks_source_sequence: int
    marks_input_age_ns: int


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final[msgspec.msgpack.Decoder[Command]] = msgspec.msgpack.Decoder(Command)

encode = _ENCODER.encode


def decode(command: bytes) -> Command:
    """Read a command; raises `msgspec.DecodeError` (or its `ValidationError`) when it isn't one."""
    return _DECODER.decode(command)


def epoch(number: int, primary: str) -> bytes:
    """The entry that a new primary commits before it serves."""
    return encode(Epoch(number, primary))


def describe(command: bytes) -> Description:
    """What a command says, for dumps of the log. Never raises: what can't be read is `malformed`."""
    try:
        decoded = decode(command)
    except msgspec.DecodeError:
        return {"type": "malformed"}
    return _describe(decoded)


def _describe(command: Command) -> Description:
    match command:
        case New():
            return {
                "type": "new",
                "account": command.account,
                "client_order_id": command.client_order_id,
                "instrument": command.instrument,
                "side": command.side,
                "quantity": command.quantity,
                "order_type": command.order_type,
                "price": command.price,
                "time_in_force": command.time_in_force,
                "refusal": command.refusal,
            }
        case Cancel(account, client_order_id):
            return {"type": "cancel", "account": account, "client_order_id": client_order_id}
        case Resolve(account, client_order_id):
            return {"type": "resolve", "account": account, "client_order_id": client_order_id}
        case Marks(prices, source_sequence, input_age_ns):
            return {
                "type": "mark",
                "marks": prices,
                "marks_source_sequence": source_sequence,
                "marks_input_age_ns": input_age_ns,
            }
        case Epoch():
            return {"type": "epoch"}
