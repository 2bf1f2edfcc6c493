"""The venue's own account, which is the other side of fees, roundings and open results."""

from __future__ import annotations

import numpy as np

from harness.checks.grouping import is_member
from harness.checks.view import Bools, View

_TABLES = ("operations", "executions", "orders")


def is_house(view: View) -> Bools:
    """Which rows of `balances` are the venue's own: of accounts that no client's order and no execution ever named.

    Anybody may send an order in the venue's own name, and is refused: when there is no such account, the venue's are those
    for which no order was ever accepted.
    """
    held = view.codes("balances", "account")
    unnamed = ~is_member(held, np.concatenate([view.codes(table, "account") for table in _TABLES]))
    if unnamed.any():
        return unnamed
    served = (
        view.equals("operations", "kind", "new") & view.equals("operations", "outcome", "ok"),
        view.equals("executions", "type", "accepted") | view.equals("executions", "type", "filled"),
        ~view.equals("orders", "state", "rejected"),
    )
    accounts = [view.codes(table, "account")[kept] for table, kept in zip(_TABLES, served, strict=True)]
    return ~is_member(held, np.concatenate(accounts))
