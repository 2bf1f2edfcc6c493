"""O14: no buy above its limit, no sell below, and nobody trades with themselves."""

from __future__ import annotations

import numpy as np

from harness.checks.grouping import lookup
from harness.checks.integrity.evidence import of_execution
from harness.checks.predicate import Found, Predicate, Violations
from harness.checks.view import MISSING, Ints, View


def judge(view: View) -> Found:
    """Every fill against the limit that its client's order has in the log (not the drop copy's own word for it)."""
    fills = np.flatnonzero(view.equals("executions", "type", "filled"))
    if not len(fills):
        return Found(0, unknown="nothing was filled")
    violations = Violations()
    new = np.flatnonzero(view.equals("entries", "type", "new") & (view.order_key("entries") >= 0))
    new = new[np.argsort(view.ints("entries", "index")[new], kind="stable")]
    keys, at = np.unique(view.order_key("entries")[new], return_index=True)
    limit = lookup(
        view.order_key("executions")[fills], keys, view.ints("entries", "price")[new][at], absent=MISSING
    )
    price = view.ints("executions", "last_price")[fills]
    buys = view.equals("executions", "side", "buy")[fills]
    worse = (limit != MISSING) & np.where(buys, price > limit, price < limit)
    for row in np.flatnonzero(worse):
        word = "bought above" if buys[row] else "sold below"
        text = f"{word} its limit of {limit[row]}: at {price[row]}"
        violations.extend(1, [of_execution(view, int(fills[row]), text)])
    _self_trades(view, fills, violations)
    return violations.found(len(fills))


def _self_trades(view: View, fills: Ints, violations: Violations) -> None:
    span = view.size("order_id") + 1
    here = view.reading("executions") * span
    known, at = np.unique(here + view.codes("executions", "order_id"), return_index=True)
    owners = view.codes("executions", "account")
    other = view.codes("executions", "counter_order_id")
    counter = np.where(other < 0, -1, lookup(here + other, known, owners[at], absent=-1))[fills]
    mine = (counter >= 0) & (counter == owners[fills])
    for row in np.flatnonzero(mine):
        text = (
            f"trades with another order of its own account, {view.text('order_id', int(other[fills[row]]))}"
        )
        violations.extend(1, [of_execution(view, int(fills[row]), text)])


O14 = Predicate(
    "O14",
    "limits",
    "No buy trades above its limit, no sell below; no account trades with itself, across epochs too.",
    ("executions", "entries"),
    judge,
)
