"""Why a venue refuses an order, decided from the order and the book alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trading_stack.instruments import INSTRUMENTS
from trading_stack.venue.commands import New
from trading_stack.venue.ledger import HOUSE
from trading_stack.venue.state import Book

LARGEST_QUANTITY: Final = 10**9
HIGHEST_PRICE: Final = 10**16
LONGEST_NAME: Final = 64

REASONS: Final[Mapping[str, str]] = {
    "reserved_account": f"the account {HOUSE!r} belongs to the venue",
    "unknown_instrument": "no such instrument is listed",
    "bad_quantity": f"a quantity is 1 to {LARGEST_QUANTITY} whole contracts",
    "bad_price": f"a limit price is a multiple of the tick, above 0 and at most {HIGHEST_PRICE}",
    "market_with_price": "a market order has no price",
    "market_post_only": "a market order can't rest, so it can't be post-only",
    "would_trade": "a post-only order would have traded at once",
    "duplicate_id": "this client order id already means another order",
    "id_closed": "this client order id was resolved as never received, and stays closed",
    "unknown_order": "no order has this client order id",
    "already_filled": "nothing is left to cancel",
    "was_rejected": "the order was refused",
    "bad_id": f"accounts and client order ids have 1 to {LONGEST_NAME} characters",
    "price_band": "the price is too far from the mark",
    "no_fresh_price": "market orders need a fresh mark, and the gateway has none",
    "malformed": "the command can't be read",
}


def names_are_bad(account: str, client_order_id: str) -> bool:
    """Whether the names are unfit to be kept at all."""
    return not (0 < len(account) <= LONGEST_NAME and 0 < len(client_order_id) <= LONGEST_NAME)


def refusal(request: New, books: Mapping[str, Book]) -> str | None:
    """The code of the first rule that a new order breaks, or None."""
    if request.account == HOUSE:
        return "reserved_account"
    if request.instrument not in INSTRUMENTS:
        return "unknown_instrument"
    if not 0 < request.quantity <= LARGEST_QUANTITY:
        return "bad_quantity"
    if request.refusal:
        return request.refusal
    if request.order_type == "market":
        return _market_refusal(request)
    return _limit_refusal(request, books[request.instrument])


def _market_refusal(request: New) -> str | None:
    if request.price is not None:
        return "market_with_price"
    return "market_post_only" if request.time_in_force == "post_only" else None


def _limit_refusal(request: New, book: Book) -> str | None:
    price = request.price
    if price is None or not 0 < price <= HIGHEST_PRICE or price % INSTRUMENTS[request.instrument].tick:
        return "bad_price"
    if request.time_in_force == "post_only":
        other = book.other(request.side)
        if other.best(other.limit_key(price)) is not None:
            return "would_trade"
    return None
