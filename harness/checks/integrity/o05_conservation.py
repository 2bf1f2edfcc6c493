"""O5: at each event cum + leaves + cancelled = quantity; an independent matcher refuses, fills and leaves the same."""

from __future__ import annotations

import numpy as np

from harness.checks.grouping import first_of_group, lookup, ordered
from harness.checks.integrity.evidence import of_execution
from harness.checks.integrity.refusals import judge_refusals
from harness.checks.integrity.replay import Replayed, replayed
from harness.checks.predicate import Found, Predicate, Violations
from harness.checks.view import Bools, View
from harness.model.verdicts import Evidence


def judge(view: View) -> Found:
    """Every step's arithmetic on every replica; then each refusal and each final order against the reference matcher."""
    violations = Violations()
    _steps(view, violations)
    _running_totals(view, violations)
    _final_orders(view, violations)
    reference = replayed(view)
    note = judge_refusals(view, reference, violations)
    _against_reference(view, reference, violations)
    judged = view.length("executions") + view.length("orders")
    return violations.found(judged, unknown=reference.unknown, note=note)


def _steps(view: View, violations: Violations) -> None:
    quantity = view.ints("executions", "quantity")
    cum, leaves = view.ints("executions", "cum_quantity"), view.ints("executions", "leaves_quantity")
    kind = {
        name: view.equals("executions", "type", name)
        for name in ("accepted", "rejected", "filled", "cancelled")
    }
    _flag(
        view,
        (leaves < 0) | (cum < 0) | (cum > np.maximum(quantity, 0)),
        "has a negative or too large quantity",
        violations,
    )
    _flag(
        view,
        kind["accepted"] & ((cum != 0) | (leaves != quantity)),
        "is accepted with a part already gone",
        violations,
    )
    _flag(
        view,
        kind["filled"] & (cum + leaves != quantity),
        "is filled so that cum + leaves is not its quantity",
        violations,
    )
    ended = (kind["cancelled"] | kind["rejected"]) & (leaves != 0)
    _flag(view, ended, "ends with quantity still open", violations)
    _flag(view, kind["rejected"] & (cum != 0), "is rejected after a fill", violations)
    _flag(
        view,
        kind["filled"] & (view.ints("executions", "last_quantity") <= 0),
        "has a fill of nothing",
        violations,
    )


def _flag(view: View, where: Bools, text: str, violations: Violations) -> None:
    rows = np.flatnonzero(where)
    violations.extend(len(rows), (of_execution(view, int(row), text) for row in rows))


def _running_totals(view: View, violations: Violations) -> None:
    """The cumulative quantity grows by exactly each fill, and changes by nothing else."""
    keys = (view.reading("executions"), view.codes("executions", "order_id"))
    order = ordered(*keys, view.ints("executions", "index"), view.ints("executions", "ordinal"))
    order = order[keys[1][order] >= 0]
    begins = first_of_group(*(key[order] for key in keys))
    cum = view.ints("executions", "cum_quantity")[order]
    before = np.where(begins, 0, np.roll(cum, 1))
    fill = view.equals("executions", "type", "filled")[order]
    grown = np.where(fill, view.ints("executions", "last_quantity")[order], 0)
    for at in np.flatnonzero(cum != before + grown):
        text = f"goes from {before[at]} to {cum[at]} filled by a step of {grown[at]}"
        violations.extend(1, [of_execution(view, int(order[at]), text)])


def _final_orders(view: View, violations: Violations) -> None:
    quantity, leaves = view.ints("orders", "quantity"), view.ints("orders", "leaves_quantity")
    cum = view.ints("orders", "cum_quantity")
    is_open, filled = view.equals("orders", "state", "open"), view.equals("orders", "state", "filled")
    wrong = (leaves < 0) | (cum < 0) | (cum > np.maximum(quantity, 0))
    wrong |= is_open & ((cum + leaves != quantity) | (leaves == 0))
    wrong |= ~is_open & (leaves != 0)
    wrong |= filled & (cum != quantity)
    for row in np.flatnonzero(wrong):
        violations.extend(1, [_of_order(view, int(row), "does not add up")])


def _against_reference(view: View, reference: Replayed, violations: Violations) -> None:
    """The final fill is checked against an independent source, else a missing one would pass."""
    keys = view.order_key("orders")
    wanted = [lookup(keys, reference.keys, column, absent=-1) for column in (reference.cum, reference.leaves)]
    differs = (wanted[0] != view.ints("orders", "cum_quantity")) | (
        wanted[1] != view.ints("orders", "leaves_quantity")
    )
    rows = np.flatnonzero(differs & (wanted[0] >= 0) & np.isin(view.reading("orders"), reference.complete))
    examples = (
        _of_order(view, int(row), f"the reference matcher fills {wanted[0][row]} and leaves {wanted[1][row]}")
        for row in rows
    )
    violations.extend(len(rows), examples)


def _of_order(view: View, row: int, text: str) -> Evidence:
    frame = view.run.orders
    name = view.order_name(int(view.order_key("orders")[row]))
    at = f"orders:{frame['node'].iloc[row]}#{frame['read'].iloc[row]}:{frame['order_id'].iloc[row]}"
    cum, leaves = (frame[name].iloc[row] for name in ("cum_quantity", "leaves_quantity"))
    state = f"{frame['state'].iloc[row]}, {cum} filled, {leaves} left"
    return Evidence(f"order {name} of {frame['quantity'].iloc[row]} ends {state}: {text}", None, (at,))


O5 = Predicate(
    "O5",
    "conservation",
    "At each event cum + leaves + cancelled = quantity, leaves >= 0, cum never falls; an independent matcher refuses the "
    "same orders and fills as much of the others.",
    ("executions", "orders", "entries", "replicas"),
    judge,
)
