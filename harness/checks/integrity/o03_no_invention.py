"""O3: each order in the log was sent by exactly one client."""

from __future__ import annotations

import numpy as np
import pandas as pd

from harness.checks.grouping import first_of_group, is_member, ordered
from harness.checks.integrity.evidence import entry_row, of_operation
from harness.checks.integrity.logged import binding_orders, logged_orders, refused_to_clients
from harness.checks.integrity.readings import Reading, readings
from harness.checks.predicate import Found, Predicate, Violations
from harness.checks.view import Bools, Ints, View
from harness.model.verdicts import Evidence

_CONTENT = ("instrument", "side", "order_type", "time_in_force", "quantity", "price")
_NUMBERS = ("quantity", "price")


def judge(view: View) -> Found:
    """Committed logs against what clients sent, field by field; books against their own logs; and false refusals."""
    violations = Violations()
    judged = _one_sender(view, violations)
    for kind in ("new", "cancel"):
        judged += _all_sent(view, kind, violations)
    judged += _never_alive_though_refused(view, violations)
    last = [reading for reading in readings(view) if reading.last]
    whole = [reading for reading in last if reading.first_index <= 1]
    judged += sum(_book_without_entry(view, reading, violations) for reading in whole)
    judged += sum(_entry_without_order(view, reading, violations) for reading in last)
    unknown = "no replica has its log from the first entry, so no book can be compared with it"
    return violations.found(judged, unknown="" if whole else unknown)


def _one_sender(view: View, violations: Violations) -> int:
    """No two clients send an order under one account and client order id (a mistake of the load, or a forgery)."""
    sent = view.equals("operations", "kind", "new") & (view.order_key("operations") >= 0)
    keys, clients = view.order_key("operations")[sent], view.codes("operations", "client")[sent]
    order = ordered(keys, clients)
    distinct = first_of_group(keys[order], clients[order])
    kept = keys[order][distinct]
    for key in np.unique(kept[1:][kept[1:] == kept[:-1]]):
        violations.add(f"order {view.order_name(int(key))} was sent by more than one client")
    return len(np.unique(kept))


def _all_sent(view: View, kind: str, violations: Violations) -> int:
    entered = np.flatnonzero(
        view.equals("entries", "type", kind)
        & view.flags("entries", "committed")
        & (view.order_key("entries") >= 0)
    )
    entered = entered[_distinct(view.ints("entries", "index")[entered], view.order_key("entries")[entered])]
    sent = np.flatnonzero(
        view.equals("operations", "kind", kind)
        & (view.ints("operations", "sent_ns") > np.iinfo(np.int64).min)
    )
    as_sent, as_entered = _content(view, kind)
    known = is_member(as_entered[entered], as_sent[sent])
    unknown = entered[~known]
    keys = view.order_key("operations")[sent]
    examples = (
        Evidence(
            f"order {view.order_name(int(view.order_key('entries')[row]))} is in the log ({kind}), but "
            + (
                "was sent with other content"
                if (keys == view.order_key("entries")[row]).any()
                else "no client sent it"
            ),
            None,
            (entry_row(view, int(row)),),
        )
        for row in unknown
    )
    violations.extend(len(unknown), examples)
    return len(entered)


def _content(view: View, kind: str) -> tuple[Ints, Ints]:
    """One number for each distinct order with all its fields, the same in both tables: (operations, entries)."""
    combined = np.concatenate([view.order_key(table) for table in _BOTH])
    for name in _CONTENT if kind == "new" else ():
        codes, _ = pd.factorize(_numbers(view, name))
        combined, _ = pd.factorize(combined * (int(codes.max(initial=0)) + 1) + codes)
    half = view.length(_BOTH[0])
    return combined[:half].astype(np.int64), combined[half:].astype(np.int64)


def _numbers(view: View, name: str) -> Ints:
    """A column of both tables, one below the other, as numbers that mean the same in both."""
    if name in _NUMBERS:
        return np.concatenate([view.ints(table, name) for table in _BOTH])
    return np.concatenate([view.codes(table, name) for table in _BOTH])


def _distinct(*keys: Ints) -> Ints:
    order = ordered(*keys)
    return order[first_of_group(*(key[order] for key in keys))]


def _never_alive_though_refused(view: View, violations: Violations) -> int:
    """An order that its client was told is refused, and nothing else, must not be alive or filled."""
    keys, only = view.order_key("operations"), refused_to_clients(view)
    alive = ~_rejected(view) | (view.ints("orders", "cum_quantity") > 0)
    for row in np.flatnonzero(only & is_member(keys, view.order_key("orders")[alive])):
        violations.extend(
            1, [of_operation(view, int(row), "was refused to its client, yet the venue holds it alive")]
        )
    return int(only.sum())


def _book_without_entry(view: View, reading: Reading, violations: Violations) -> int:
    """Each order that a replica holds comes from its log."""
    held = view.order_key("orders")[view.reading("orders") == reading.code]
    known = view.order_key("entries")[logged_orders(view, reading)]
    for key in np.unique(held[~is_member(held, known)]).tolist():
        violations.add(f"{reading.node} holds order {view.order_name(key)}, which is not in its log")
    return len(held)


def _entry_without_order(view: View, reading: Reading, violations: Violations) -> int:
    """Each order in a replica's log is one that it holds, unless its client was told that it is refused."""
    rows = binding_orders(view, reading)
    keys = view.order_key("entries")[rows]
    held = view.order_key("orders")[view.reading("orders") == reading.code]
    refused = view.order_key("operations")[refused_to_clients(view)]
    for row in rows[~is_member(keys, held) & ~is_member(keys, refused)].tolist():
        name = view.order_name(int(view.order_key("entries")[row]))
        violations.add(
            f"order {name} is in the log of {reading.node}, which does not hold it",
            rows=(entry_row(view, row),),
        )
    return len(rows)


def _rejected(view: View) -> Bools:
    return view.equals("orders", "state", "rejected")


_BOTH = ("operations", "entries")

O3 = Predicate(
    "O3",
    "no invention",
    "Each order in the log was sent, as it stands there, by exactly one client; the books hold the log's orders and no "
    "others; a refused order is never alive.",
    ("operations", "entries", "executions", "orders", "replicas"),
    judge,
)
