"""Which orders a venue must refuse, decided from the order, its gateway's verdict and the terms of its instrument.

What depends on the book as well (post-only that would trade, fill-or-kill that cannot fill, trading with oneself) is the
reference matcher's: there the order ends before it trades, and whether the venue calls that refused or cancelled is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.checks.integrity.terms import terms
from harness.checks.view import MISSING, Bools, Ints, View

RULES: Final = {
    "unknown_instrument": "its instrument is not listed",
    "bad_quantity": "its quantity is below 1",
    "refused_by_gateway": "its gateway refused it",
    "market_with_price": "it is a market order with a price",
    "market_post_only": "it is a market order that may only rest",
    "bad_price": "its price is not a multiple of the tick above 0",
}
_WORDS: Final = (*RULES, "", "price_band", "no_fresh_price", "would_trade", "fill_or_kill", "self_trade")
"""What a venue may say of a refusal that these rules and the matcher decide; other words mean rules of its own."""

LARGEST_QUANTITY: Final = 10**9
HIGHEST_PRICE: Final = 10**16
"""Beyond these a venue may have limits that the history doesn't tell."""


@dataclass(frozen=True, slots=True)
class Rulings:
    """One element a row: `forbidden` is the number of the rule that a new order breaks, from 1 (0: none of them).

    `open` says that a refusal could rest on something that the history doesn't tell, so that one must be believed.
    """

    forbidden: Ints
    open: Bools


def rule(number: int) -> str:
    """Why an order must be refused that breaks this rule (numbered from 1), for people; follows `although`."""
    return tuple(RULES.values())[number - 1]


def rulings(view: View, rows: Ints) -> Rulings:
    """Decide the orders of these rows of `entries`; for rows that are no new orders the result means nothing."""
    known = terms(view)
    instrument = view.codes("entries", "instrument")[rows]
    quantity, price = (view.ints("entries", name)[rows] for name in ("quantity", "price"))
    market = view.equals("entries", "order_type", "market")[rows]
    limit = view.equals("entries", "order_type", "limit")[rows]
    tick = np.where(known.tick > 0, known.tick, 1)[instrument]
    broken = (
        np.zeros(len(rows), dtype=np.bool_) if known.problem else ~known.listed[instrument],
        quantity < 1,
        view.codes("entries", "refusal")[rows] >= 0,
        market & (price != MISSING),
        market & view.equals("entries", "time_in_force", "post_only")[rows],
        ~market & ((price < 1) | (price % tick != 0)) & (limit | (price != MISSING)),
    )
    untold = (
        view.missing("entries", "refusal")[rows]
        | (known.tick[instrument] == MISSING)
        | (quantity > LARGEST_QUANTITY)
        | (price > HIGHEST_PRICE)
    )
    return Rulings(np.select(broken, range(1, len(broken) + 1), 0).astype(np.int64), untold)


def own_word(view: View) -> Bools:
    """Which executions have a reason that is a word of the venue's own, unknown to these rules; one element a row."""
    known = [view.equals("executions", "reason", word) for word in _WORDS]
    return np.asarray(~np.logical_or.reduce(known) & (view.codes("executions", "reason") >= 0))
