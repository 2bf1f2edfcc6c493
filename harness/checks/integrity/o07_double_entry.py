"""O7: each trade has one buy and one sell leg that pay what they must, and positions and coin sum to zero exactly."""

from __future__ import annotations

import numpy as np

from harness.checks.grouping import first_of_group, group_sums, ordered
from harness.checks.integrity.cash import judge_cash
from harness.checks.integrity.evidence import of_execution
from harness.checks.predicate import Found, Predicate, Violations
from harness.checks.view import MISSING, View


def judge(view: View) -> Found:
    """Legs of every trade pair up and pay what their prices make; the sums over all accounts are zero in integers.

    The house's account is part of the sums, so that what rounding leaves over is in it. Fees are the venue's own.
    """
    violations = Violations()
    judged = _legs(view, violations)
    if not judged:
        return violations.found(0, unknown="nothing was traded")
    recomputed, note = judge_cash(view, violations)
    return violations.found(judged + recomputed + _sums(view, violations), note=note)


def _legs(view: View, violations: Violations) -> int:
    rows = np.flatnonzero(view.equals("executions", "type", "filled"))
    orders = view.codes("executions", "order_id")[rows], view.codes("executions", "counter_order_id")[rows]
    keys = (
        view.reading("executions")[rows],
        view.ints("executions", "index")[rows],
        np.minimum(*orders),
        np.maximum(*orders),
    )
    order = ordered(*keys)
    rows = rows[order]
    begins = np.flatnonzero(first_of_group(*(key[order] for key in keys)))
    counts = np.diff(np.append(begins, len(rows)))
    last = np.minimum(begins + 1, len(rows) - 1)
    wrong = counts != 2
    for name in ("last_quantity", "last_price"):
        values = view.ints("executions", name)[rows]
        wrong |= (values[begins] != values[last]) | (values[begins] == MISSING)
    instruments = view.codes("executions", "instrument")[rows]
    wrong |= instruments[begins] != instruments[last]
    buys = view.equals("executions", "side", "buy")[rows]
    wrong |= buys[begins] == buys[last]
    examples = (
        of_execution(
            view,
            int(rows[begins[at]]),
            _why(int(counts[at])),
            *rows[begins[at] + 1 : begins[at] + counts[at]],
        )
        for at in np.flatnonzero(wrong)
    )
    violations.extend(int(wrong.sum()), examples)
    return len(begins)


def _why(legs: int) -> str:
    if legs == 2:
        return "has a trade whose legs are not one buy and one sell of equal quantity and price"
    return f"has a trade with {legs} legs instead of two"


def _sums(view: View, violations: Violations) -> int:
    instrument = view.codes("balances", "instrument")
    slots = view.size("instrument") + 1
    slot = np.where(instrument < 0, slots - 1, instrument)
    keys, sums = group_sums(view.reading("balances") * slots + slot, view.ints("balances", "amount"))
    for key, total in zip(keys[sums != 0].tolist(), sums[sums != 0].tolist(), strict=True):
        reading, one = divmod(key, slots)
        what = "coin (1e-8)" if one == slots - 1 else f"contracts of {view.text('instrument', one)}"
        violations.add(
            f"on {view.reading_name(reading)} all accounts together hold {total} {what} instead of 0",
            rows=(f"balances:{view.reading_name(reading)}",),
        )
    return len(keys)


O7 = Predicate(
    "O7",
    "double entry",
    "Each trade has one buy and one sell leg of equal quantity and price, and each leg books the coin that its price makes; "
    "positions of an instrument sum to 0, and so does all coin with the house account, in integers.",
    ("executions", "balances"),
    judge,
)
