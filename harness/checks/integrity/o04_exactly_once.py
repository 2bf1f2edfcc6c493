"""O4: an execution id is unique, and an execution is applied once to order, position and cash."""

from __future__ import annotations

import numpy as np

from harness.checks.grouping import first_of_group, group_sums, lookup, ordered
from harness.checks.integrity.evidence import of_execution
from harness.checks.integrity.house import is_house
from harness.checks.integrity.readings import readings
from harness.checks.predicate import Found, Predicate, Violations
from harness.checks.view import Bools, Ints, View


def judge(view: View) -> Found:
    """Unique ids, no fill under two ids, and positions and coin that are the sums of the fills."""
    violations = Violations()
    reading = view.reading("executions")
    fills = view.equals("executions", "type", "filled")
    _repeats(
        view,
        np.ones(len(reading), dtype=np.bool_),
        (reading, view.codes("executions", "exec_id")),
        "id",
        violations,
    )
    same = (reading, view.codes("executions", "order_id"), view.ints("executions", "cum_quantity"))
    _repeats(view, fills, same, "fill", violations)
    unknown = "" if view.length("balances") else "the table balances is empty"
    judged = len(reading)
    for one in readings(view):
        if one.first_index <= 1 and not unknown:
            judged += _balances(view, one.code, violations)
    return violations.found(judged, unknown=unknown)


def _repeats(view: View, among: Bools, keys: tuple[Ints, ...], what: str, violations: Violations) -> None:
    rows = np.flatnonzero(among)
    rows = rows[ordered(*(key[rows] for key in keys))]
    again = np.flatnonzero(~first_of_group(*(key[rows] for key in keys)))
    if what == "id":
        text = "has an execution whose id stands twice in one replica's drop copy"
    else:
        text = "has one fill (same cumulative quantity) under two execution ids"
    examples = (of_execution(view, int(rows[at]), text, int(rows[at - 1])) for at in again)
    violations.extend(len(again), examples)


def _balances(view: View, reading: int, violations: Violations) -> int:
    """Each balance is the sum of what the executions booked; the house's own is judged by O7."""
    fills = (view.reading("executions") == reading) & view.equals("executions", "type", "filled")
    quantity = view.ints("executions", "last_quantity")[fills]
    signed = np.where(view.equals("executions", "side", "buy")[fills], quantity, -quantity)
    account = view.codes("executions", "account")[fills]
    slots = view.size("instrument") + 1
    coin = view.ints("executions", "cash")[fills] - view.ints("executions", "fee")[fills]
    booked_keys, booked = group_sums(
        np.concatenate(
            [account * slots + view.codes("executions", "instrument")[fills], account * slots + slots - 1]
        ),
        np.concatenate([signed, coin]),
    )
    held = (view.reading("balances") == reading) & ~is_house(view)
    instrument = view.codes("balances", "instrument")[held]
    held_keys, amounts = group_sums(
        view.codes("balances", "account")[held] * slots + np.where(instrument < 0, slots - 1, instrument),
        view.ints("balances", "amount")[held],
    )
    every = np.union1d(booked_keys, held_keys)
    wanted, have = lookup(every, booked_keys, booked, absent=0), lookup(every, held_keys, amounts, absent=0)
    for key, want, has in zip(
        every[wanted != have], wanted[wanted != have], have[wanted != have], strict=True
    ):
        who, slot = divmod(int(key), slots)
        what = "coin" if slot == slots - 1 else f"position in {view.text('instrument', slot)}"
        violations.add(
            f"on {view.reading_name(reading)} the {what} of {view.text('account', who)} is {has}, "
            f"but its executions sum to {want}"
        )
    return len(every)


O4 = Predicate(
    "O4",
    "exactly-once execution",
    "An execution id is unique and is applied once to order, position and cash; one fill under two ids is flagged.",
    ("executions", "replicas"),
    judge,
)
