"""Answers to queries, as JSON, from a state that they don't change."""

from __future__ import annotations

from typing import Final

import msgspec

from trading_stack.venue import replies
from trading_stack.venue.queries import AccountQuery, AccountsQuery, BookQuery, OrderQuery, Query
from trading_stack.venue.refusals import REASONS
from trading_stack.venue.state import State

FILLS_A_PAGE: Final = 5_000


class BookView(msgspec.Struct, frozen=True, gc=False):
    """Levels are (price, quantity, orders), best first; `sequence` is the entry after which it was read."""

    instrument: str
    bids: list[tuple[int, int, int]]
    asks: list[tuple[int, int, int]]
    sequence: int


class Fill(msgspec.Struct, frozen=True, gc=False):
    """One fill as its account is told of it."""

    exec_id: str
    order_id: str
    client_order_id: str
    instrument: str
    side: str
    quantity: int
    price: int


class AccountView(msgspec.Struct, frozen=True, gc=False):
    """A page of an account's fills, and all its positions; `more` says that fills follow."""

    account: str
    fills: list[Fill]
    positions: dict[str, int]
    sequence: int
    more: bool


def answer(state: State, query: Query) -> bytes:
    """The answer's JSON: a reply for orders, a view for the rest."""
    match query:
        case OrderQuery(account, client_order_id):
            known = state.ids.get((account, client_order_id))
            return replies.OK if known is None else replies.encode(replies.Ok(known.report()))
        case BookQuery(instrument, depth):
            return _book(state, instrument, depth)
        case AccountQuery(account, skip):
            return replies.encode(_account(state, account, skip))
        case AccountsQuery():
            return replies.encode(sorted({account for account, _ in state.ledger.positions}))


def _book(state: State, instrument: str, depth: int) -> bytes:
    book = state.books.get(instrument)
    if book is None:
        code = "unknown_instrument"
        return replies.encode(replies.Fail(code, REASONS[code]))
    depth = max(1, depth)
    return replies.encode(BookView(instrument, book.bids.levels(depth), book.asks.levels(depth), state.index))


def _account(state: State, account: str, skip: int) -> AccountView:
    skip = max(0, skip)
    fills = state.fills.get(account, [])
    page = [
        Fill(
            fill.exec_id,
            fill.order_id,
            fill.client_order_id,
            fill.instrument,
            fill.side,
            fill.last_quantity,
            fill.last_price or 0,
        )
        for fill in fills[skip : skip + FILLS_A_PAGE]
    ]
    positions = {
        instrument: position.contracts
        for (owner, instrument), position in state.ledger.positions.items()
        if owner == account and position.contracts
    }
    return AccountView(account, page, positions, state.index, len(fills) > skip + FILLS_A_PAGE)
