"""O1: one client order id of one account has at most one order id, over the whole run."""

from __future__ import annotations

import numpy as np

from harness.checks.grouping import first_of_group, ordered
from harness.checks.predicate import Found, Predicate, Violations
from harness.checks.view import Ints, View

_TABLES = ("operations", "executions", "orders", "account_fills")


def judge(view: View) -> Found:
    """All pairs of client order id and order id that anybody told, from clients' answers to replicas' books."""
    keys, orders = _pairs(view)
    violations = Violations()
    order = ordered(keys, orders)
    keys, orders = keys[order], orders[order]
    distinct = first_of_group(keys, orders)
    keys, orders = keys[distinct], orders[distinct]
    begins = np.flatnonzero(first_of_group(keys))
    counts = np.diff(np.append(begins, len(keys)))
    for at in np.flatnonzero(counts > 1):
        start = int(begins[at])
        ids = sorted(view.text("order_id", int(one)) for one in orders[start : start + int(counts[at])])
        name = view.order_name(int(keys[start]))
        violations.add(
            f"client order id {name} has {len(ids)} order ids: {', '.join(ids)}",
            rows=_rows(view, int(keys[start])),
        )
    return violations.found(len(begins))


def _pairs(view: View) -> tuple[Ints, Ints]:
    keys = np.concatenate([view.order_key(table) for table in _TABLES])
    orders = np.concatenate([view.codes(table, "order_id") for table in _TABLES])
    told = (keys >= 0) & (orders >= 0)
    return keys[told], orders[told]


def _rows(view: View, key: int) -> tuple[str, ...]:
    sent = np.flatnonzero(view.order_key("operations") == key)[:3]
    return tuple(f"operations:{view.run.operations['op'].iloc[int(row)]}" for row in sent)


O1 = Predicate(
    "O1",
    "idempotence",
    "One client order id of one account has at most one order id, over the whole run, not only among open orders.",
    ("operations", "executions", "orders"),
    judge,
)
