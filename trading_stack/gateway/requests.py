"""What clients send, as JSON: over the WebSocket with `id` and `op`, over HTTP as a body or in the path."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

import msgspec

DEFAULT_DEADLINE_MS: Final = 5_000

DeadlineMs: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=60_000)]
Quantity: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=10**12)]
Price: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=10**18)]


class _Request(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="op"):
    """`deadline_ms` is how long the client waits: what is still open then is answered as unknown."""

    id: int = 0
    deadline_ms: DeadlineMs = DEFAULT_DEADLINE_MS


class NewRequest(_Request, frozen=True, gc=False, kw_only=True, tag="new"):
    """A new order; prices are integers of 1e-8 of the quote unit."""

    account: str
    client_order_id: str
    instrument: str
    side: Literal["buy", "sell"]
    quantity: Quantity
    order_type: Literal["limit", "market"] = "limit"
    price: Price | None = None
    time_in_force: Literal["gtc", "ioc", "fok", "post_only"] = "gtc"


class CancelRequest(_Request, frozen=True, gc=False, kw_only=True, tag="cancel"):
    account: str
    client_order_id: str


class QueryRequest(_Request, frozen=True, gc=False, kw_only=True, tag="query"):
    account: str
    client_order_id: str


class ResolveRequest(_Request, frozen=True, gc=False, kw_only=True, tag="resolve"):
    account: str
    client_order_id: str


class AccountRequest(_Request, frozen=True, gc=False, kw_only=True, tag="account"):
    """An account's positions, and its fills after the first `skip`."""

    account: str
    skip: int = 0


class AccountsRequest(_Request, frozen=True, gc=False, kw_only=True, tag="accounts"):
    """The names of all accounts that ever traded."""


class BookRequest(_Request, frozen=True, gc=False, kw_only=True, tag="book"):
    instrument: str
    depth: Annotated[int, msgspec.Meta(ge=1, le=100)] = 10


class PingRequest(_Request, frozen=True, gc=False, kw_only=True, tag="ping"):
    """Answered at once, so that a client can tell a dead connection from a slow order."""


Request: TypeAlias = (
    NewRequest
    | CancelRequest
    | QueryRequest
    | ResolveRequest
    | AccountRequest
    | AccountsRequest
    | BookRequest
    | PingRequest
)


class _Numbered(msgspec.Struct, frozen=True):
    id: int = 0


_DECODER: Final[msgspec.json.Decoder[Request]] = msgspec.json.Decoder(Request)
_NUMBER: Final = msgspec.json.Decoder(_Numbered)


def decode(text: str | bytes) -> Request:
    """Read a request; raises `msgspec.DecodeError` with what is wrong with it."""
    return _DECODER.decode(text)


def number_of(text: str | bytes) -> int:
    """The id of a request that can't be read otherwise; 0 when that can't be read either."""
    try:
        return _NUMBER.decode(text).id
    except msgspec.DecodeError:
        return 0
