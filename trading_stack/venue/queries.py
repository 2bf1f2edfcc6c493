"""What can be asked of a venue without changing it: msgpack arrays, the tag first."""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec


class OrderQuery(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="o"):
    """The state of one order."""

    account: str
    client_order_id: str


class BookQuery(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="b"):
    """The best levels of one instrument."""

    instrument: str
    depth: int = 10


class AccountQuery(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="a"):
    """An account's positions, and its fills after the first `skip`: a page of them."""

    account: str
    skip: int = 0


class AccountsQuery(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="A"):
    """The names of all accounts that ever traded."""


Query: TypeAlias = OrderQuery | BookQuery | AccountQuery | AccountsQuery

encode: Final = msgspec.msgpack.Encoder().encode
_DECODER: Final[msgspec.msgpack.Decoder[Query]] = msgspec.msgpack.Decoder(Query)


def decode(query: bytes) -> Query:
    """Read a query; raises `msgspec.DecodeError` when it isn't one."""
    return _DECODER.decode(query)
