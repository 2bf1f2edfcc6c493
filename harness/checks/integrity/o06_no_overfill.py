"""O6: fills of an order sum to at most the quantity that its client asked for."""

from __future__ import annotations

import numpy as np

from harness.checks.grouping import group_sums, lookup, pack
from harness.checks.integrity.replay import replayed
from harness.checks.predicate import Found, Predicate, Violations
from harness.checks.view import MISSING, Ints, View

NO_LIMIT = np.iinfo(np.int64).max


def judge(view: View) -> Found:
    """Sums of fills on each replica, and in what clients were told, against the log and the reference matcher."""
    violations = Violations()
    asked_keys, asked = _asked(view)
    fills = view.equals("executions", "type", "filled")
    judged = 0
    for reading in np.unique(view.reading("executions")):
        here = fills & (view.reading("executions") == reading)
        keys, sums = group_sums(
            view.order_key("executions")[here], view.ints("executions", "last_quantity")[here]
        )
        judged += _compare(
            view, keys, sums, asked_keys, asked, f"on {view.reading_name(int(reading))}", violations
        )
    unknown = replayed(view).unknown or ("" if judged else "nothing was filled")
    judged += _told(view, asked_keys, asked, violations) + _reference(view, violations)
    return violations.found(judged, unknown=unknown)


def _asked(view: View) -> tuple[Ints, Ints]:
    """Each order's quantity as the log has it (the first entry of an id counts)."""
    new = view.equals("entries", "type", "new") & (view.order_key("entries") >= 0)
    order = np.argsort(view.ints("entries", "index")[new], kind="stable")
    keys, first = np.unique(view.order_key("entries")[new][order], return_index=True)
    return keys, view.ints("entries", "quantity")[new][order][first]


def _compare(
    view: View, keys: Ints, sums: Ints, asked_keys: Ints, asked: Ints, where: str, violations: Violations
) -> int:
    limit = lookup(keys, asked_keys, asked, absent=MISSING)
    for key, total, most in zip(*(column[sums > limit] for column in (keys, sums, limit)), strict=True):
        wanted = "no quantity at all" if most == MISSING else str(most)
        violations.add(f"order {view.order_name(int(key))} asked for {wanted} and was filled {total} {where}")
    return len(keys)


def _told(view: View, asked_keys: Ints, asked: Ints, violations: Violations) -> int:
    keys, through = view.order_key("account_fills"), view.codes("account_fills", "through")
    quantity = view.ints("account_fills", "quantity")
    judged = 0
    for gateway in np.unique(through):
        here = (through == gateway) & (keys >= 0)
        told, sums = group_sums(keys[here], quantity[here])
        where = f"by the reports of {view.text('through', int(gateway))}"
        judged += _compare(view, told, sums, asked_keys, asked, where, violations)
    return judged


def _reference(view: View, violations: Violations) -> int:
    """Fills beyond what price-time priority gives an order are overfills, too, even below its quantity."""
    reference = replayed(view)
    fills = view.equals("executions", "type", "filled") & np.isin(
        view.reading("executions"), reference.complete
    )
    keys, quantity = view.order_key("executions")[fills], view.ints("executions", "last_quantity")[fills]
    if not len(keys):
        return 0
    readings = view.reading("executions")[fills]
    packed, sums = group_sums(pack(readings, keys), quantity)
    span = int(keys.max(initial=0)) + 1
    want = lookup(packed % span, reference.keys, reference.cum, absent=NO_LIMIT)
    for one, total, most in zip(
        *(column[sums > want].tolist() for column in (packed, sums, want)), strict=True
    ):
        reading, key = divmod(one, span)
        violations.add(
            f"order {view.order_name(key)} was filled {total} on {view.reading_name(reading)}; "
            f"the reference matcher fills {most}"
        )
    return len(packed)


O6 = Predicate(
    "O6",
    "no overfill",
    "Fills of an order sum to at most its quantity, on every replica and in what clients were told.",
    ("executions", "entries", "replicas"),
    judge,
)
