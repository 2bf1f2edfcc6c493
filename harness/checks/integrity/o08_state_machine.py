"""O8: only legal steps of an order, and nothing after a terminal one."""

from __future__ import annotations

import numpy as np

from harness.checks.grouping import first_of_group, is_member, ordered
from harness.checks.integrity.evidence import of_execution, of_operation
from harness.checks.predicate import Found, Predicate, Violations
from harness.checks.view import Ints, View

_TYPES = ("accepted", "filled", "cancelled", "rejected", "closed")
ACCEPTED, FILLED, CANCELLED, REJECTED, CLOSED = range(1, 6)


def judge(view: View) -> Found:
    """Each order's steps on each replica, in the order of the log; final states; and what clients were told in between."""
    violations = Violations()
    _steps(view, violations)
    _closed_ids(view, violations)
    _final_states(view, violations)
    _told_terminal(view, violations)
    return violations.found(view.length("executions") + view.length("orders"))


def _types(view: View) -> Ints:
    codes = np.zeros(view.length("executions"), dtype=np.int64)
    for number, name in enumerate(_TYPES, start=1):
        codes[view.equals("executions", "type", name)] = number
    return codes


def _steps(view: View, violations: Violations) -> None:
    keys = (view.reading("executions"), view.codes("executions", "order_id"))
    rows = ordered(*keys, view.ints("executions", "index"), view.ints("executions", "ordinal"))
    rows = rows[keys[1][rows] >= 0]
    begins = first_of_group(*(key[rows] for key in keys))
    types = _types(view)[rows]
    leaves = view.ints("executions", "leaves_quantity")[rows]
    before, left = np.roll(types, 1), np.roll(leaves, 1)
    first = begins & ~np.isin(types, (ACCEPTED, REJECTED))
    over = np.isin(before, (CANCELLED, REJECTED)) | ((before == FILLED) & (left == 0))
    after = ~begins & (over | ~np.isin(types, (FILLED, CANCELLED)))
    for at in np.flatnonzero(first | after | (types == 0)):
        now = str(view.run.executions["type"].iloc[int(rows[at])])
        then = "begins with" if begins[at] else f"goes from {_name(int(before[at]), int(left[at]))} to"
        cited = (int(rows[at]),) if begins[at] else (int(rows[at]), int(rows[at - 1]))
        violations.extend(1, [of_execution(view, cited[0], f"{then} {now}", *cited[1:])])


def _name(code: int, leaves: int) -> str:
    if not code:
        return "an unknown step"
    return f"{_TYPES[code - 1]} (all of it)" if code == FILLED and not leaves else _TYPES[code - 1]


def _closed_ids(view: View, violations: Violations) -> None:
    """An id that was closed as never received must not be accepted afterwards, nor have been before."""
    types, keys = _types(view), view.order_key("executions")
    accepted = np.flatnonzero((types == ACCEPTED) & is_member(keys, keys[types == CLOSED]))
    examples = (
        of_execution(view, int(row), "is accepted although its id is closed as never received")
        for row in accepted
    )
    violations.extend(len(accepted), examples)


def _final_states(view: View, violations: Violations) -> None:
    """The last step that a replica tells of an order is the state in which it holds it."""
    keys = (view.reading("executions"), view.codes("executions", "order_id"))
    rows = ordered(*keys, view.ints("executions", "index"), view.ints("executions", "ordinal"))
    rows = rows[keys[1][rows] >= 0]
    if not len(rows):
        return
    begins = first_of_group(*(key[rows] for key in keys))
    rows = rows[np.append(begins[1:], np.True_)]
    span = view.size("order_id")
    packed = keys[0][rows] * span + keys[1][rows]
    held = view.reading("orders") * span + view.codes("orders", "order_id")
    place = np.searchsorted(packed, held)
    place[place == len(packed)] = 0
    matched = packed[place] == held
    types, leaves = _types(view)[rows][place], view.ints("executions", "leaves_quantity")[rows][place]
    wanted = np.select(
        [types == CANCELLED, types == REJECTED, (types == FILLED) & (leaves == 0)],
        [CANCELLED, REJECTED, FILLED],
        ACCEPTED,
    )
    states = ((ACCEPTED, "open"), (FILLED, "filled"), (CANCELLED, "cancelled"), (REJECTED, "rejected"))
    have = np.zeros(len(held), dtype=np.int64)
    for code, name in states:
        have[view.equals("orders", "state", name)] = code
    for row in np.flatnonzero(matched & (wanted != have)):
        at = int(rows[place[row]])
        state = view.run.orders["state"].iloc[int(row)]
        text = f"is held as {state} after its last step {_name(int(types[row]), int(leaves[row]))}"
        violations.extend(1, [of_execution(view, at, text)])


def _told_terminal(view: View, violations: Violations) -> None:
    """Once a client was told a terminal state, no client is told another state by a later entry of the log."""
    told = np.flatnonzero(
        (view.order_key("operations") >= 0)
        & (view.codes("operations", "state") >= 0)
        & (view.ints("operations", "sequence") > 0)
    )
    keys = view.order_key("operations")[told]
    order = ordered(keys, view.ints("operations", "sequence")[told])
    told, keys = told[order], keys[order]
    states = view.codes("operations", "state")[told]
    over = ~view.equals("operations", "state", "open")[told]
    changed = (keys[1:] == keys[:-1]) & over[:-1] & (states[1:] != states[:-1])
    for at in np.flatnonzero(changed):
        before, now = (view.text("operations.state", int(states[at + step])) for step in (0, 1))
        violations.extend(
            1, [of_operation(view, int(told[at + 1]), f"is told as {now} after it was told as {before}")]
        )


O8 = Predicate(
    "O8",
    "state machine",
    "Only legal steps: accepted or rejected first, then fills, at most one cancellation; nothing after a terminal one.",
    ("executions", "orders"),
    judge,
)
