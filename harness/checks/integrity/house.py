"""The venue's own account, which is the other side of fees, roundings and open results."""

from __future__ import annotations

import numpy as np

from harness.checks.grouping import is_member
from harness.checks.view import Bools, View


def is_house(view: View) -> Bools:
    """Which balances belong to the venue itself: accounts that no client's order and no execution ever named."""
    client = np.concatenate(
        [view.codes(table, "account") for table in ("operations", "executions", "orders")]
    )
    return ~is_member(view.codes("balances", "account"), client)
