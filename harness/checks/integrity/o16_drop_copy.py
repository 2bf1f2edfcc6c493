"""O16: what clients are told of their fills and positions equals the drop copy, as multisets."""

from __future__ import annotations

import numpy as np

from harness.checks.grouping import first_of_group, is_member, lookup
from harness.checks.integrity.evidence import of_operation
from harness.checks.integrity.readings import Reading, readings
from harness.checks.predicate import Found, Predicate, Violations
from harness.checks.view import Ints, View

_FIELDS = ("account", "order_id", "client_order_id", "instrument", "side")


def judge(view: View) -> Found:
    """Reports of each entry point against the executions of each replica, both ways; positions against sums of fills."""
    violations = Violations()
    judged, named = 0, _named_fills(view)
    for reading in readings(view):
        if not reading.last or reading.first_index > 1:
            continue
        for through in np.unique(view.codes("account_fills", "through")):
            judged += _reports(view, reading, int(through), violations)
        judged += _positions(view, reading, violations)
        _told_in_answers(view, reading, named, violations)
    return violations.found(
        judged, unknown="" if judged else "no report could be compared with a replica's drop copy"
    )


def _reports(view: View, reading: Reading, through: int, violations: Violations) -> int:
    told = np.flatnonzero(view.codes("account_fills", "through") == through)
    where = f"through {view.text('through', through)}, compared with {reading.node}"
    told_ids = np.sort(view.codes("account_fills", "exec_id")[told])
    for code in told_ids[~first_of_group(told_ids)]:
        violations.add(f"fill {view.text('exec_id', int(code))} is reported twice {where}")
    fills = np.flatnonzero(
        (view.reading("executions") == reading.code) & view.equals("executions", "type", "filled")
    )
    ids = view.codes("executions", "exec_id")[fills]
    _missing(view, reading, fills[~is_member(ids, told_ids)], through, where, violations)
    told_after = ~is_member(view.codes("account_fills", "exec_id")[told], ids)
    for row in told[told_after]:
        violations.add(
            f"fill {_of_report(view, int(row))} is reported {where}, but it is not in the drop copy"
        )
    _different(view, told[~told_after], fills, where, violations)
    return len(fills)


def _missing(
    view: View, reading: Reading, fills: Ints, through: int, where: str, violations: Violations
) -> None:
    """Fills of the drop copy that no report tells, unless the report was made before them."""
    made_at = _report_sequence(view, through)
    account = view.codes("executions", "account")[fills]
    seen = lookup(account, *made_at, absent=reading.applied_index)
    for row in fills[view.ints("executions", "index")[fills] <= seen]:
        order = view.order_name(int(view.order_key("executions")[row]))
        exec_id = view.text("exec_id", int(view.codes("executions", "exec_id")[row]))
        violations.add(f"fill {exec_id} of order {order} is in the drop copy, but not reported {where}")


def _report_sequence(view: View, through: int) -> tuple[Ints, Ints]:
    """Up to which entry each account's report goes; reports that don't tell it go up to the end."""
    rows = np.flatnonzero(view.codes("account_positions", "through") == through)
    accounts, at = np.unique(view.codes("account_positions", "account")[rows], return_index=True)
    sequence = view.ints("account_positions", "sequence")[rows][at]
    return accounts, np.where(sequence > 0, sequence, np.iinfo(np.int64).max)


def _different(view: View, told: Ints, fills: Ints, where: str, violations: Violations) -> None:
    """A fill that both tell must be the same fill in both."""
    ids = view.codes("executions", "exec_id")[fills]
    at = fills[lookup(view.codes("account_fills", "exec_id")[told], ids, np.arange(len(ids)), absent=0)]
    differs = np.zeros(len(told), dtype=np.bool_)
    for name in _FIELDS:
        differs |= view.codes("account_fills", name)[told] != view.codes("executions", name)[at]
    for name, column in (("quantity", "last_quantity"), ("price", "last_price")):
        differs |= view.ints("account_fills", name)[told] != view.ints("executions", column)[at]
    for row in told[differs]:
        violations.add(
            f"fill {_of_report(view, int(row))} is reported {where} otherwise than the drop copy tells it"
        )


def _of_report(view: View, row: int) -> str:
    frame = view.run.account_fills
    return f"{frame['exec_id'].iloc[row]} of order {frame['account'].iloc[row]}/{frame['client_order_id'].iloc[row]}"


def _positions(view: View, reading: Reading, violations: Violations) -> int:
    """Each position that clients are told is the signed sum of the fills up to the report."""
    span = view.size("instrument") + 1
    sequence = view.ints("account_positions", "sequence")
    told = np.flatnonzero(sequence <= reading.applied_index)
    keys = view.codes("account_positions", "account") * span + view.codes("account_positions", "instrument")
    upto = np.where(sequence > 0, sequence, reading.applied_index)
    want = _booked(view, reading, keys[told], upto[told], span)
    amount = view.ints("account_positions", "amount")[told]
    for at in np.flatnonzero(want != amount):
        account, instrument = divmod(int(keys[told[at]]), span)
        gateway = int(view.codes("account_positions", "through")[told[at]])
        violations.add(
            f"the position of {view.text('account', account)} in {view.text('instrument', instrument)} is told as "
            f"{amount[at]} through {view.text('through', gateway)}; its fills on {reading.node} sum to {want[at]}"
        )
    return len(told)


def _booked(view: View, reading: Reading, keys: Ints, upto: Ints, span: int) -> Ints:
    """What the fills of each account and instrument (`account * span + instrument`) sum to, up to an entry each."""
    fills = (view.reading("executions") == reading.code) & view.equals("executions", "type", "filled")
    index = view.ints("executions", "index")[fills]
    own = view.codes("executions", "account")[fills] * span + view.codes("executions", "instrument")[fills]
    quantity = view.ints("executions", "last_quantity")[fills]
    signed = np.where(view.equals("executions", "side", "buy")[fills], quantity, -quantity)
    reach = max(int(index.max(initial=0)), int(upto.max(initial=0))) + 1
    placed = own * reach + index
    order = np.argsort(placed, kind="stable")
    sums = np.concatenate(([0], np.cumsum(signed[order])))
    begin = np.searchsorted(placed[order], keys * reach)
    return np.asarray(sums[np.searchsorted(placed[order], keys * reach + upto, side="right")] - sums[begin])


def _told_in_answers(view: View, reading: Reading, named: tuple[Ints, Ints], violations: Violations) -> None:
    """Execution ids that answers name are those of the same order in the drop copy."""
    rows, ids = named
    within = view.ints("operations", "sequence")[rows] <= reading.applied_index
    rows, ids = rows[within], ids[within]
    fills = (view.reading("executions") == reading.code) & view.equals("executions", "type", "filled")
    span = view.size("exec_id") + 1
    known = view.order_key("executions")[fills] * span + view.codes("executions", "exec_id")[fills]
    unknown = (ids < 0) | ~is_member(view.order_key("operations")[rows] * span + ids, known)
    examples = (
        of_operation(view, int(row), f"was answered with a fill that {reading.node} does not have for it")
        for row in np.unique(rows[unknown])
    )
    violations.extend(int(unknown.sum()), examples)


def _named_fills(view: View) -> tuple[Ints, Ints]:
    """Each execution id that an answer names: the answer's row, and the id's code (-1: no replica has it)."""
    rows = np.flatnonzero(
        (view.codes("operations", "exec_ids") >= 0) & view.equals("operations", "outcome", "ok")
    )
    texts = view.run.operations["exec_ids"].to_numpy(dtype=object)[rows]
    named = [text.split() for text in texts]
    known = {view.text("exec_id", code): code for code in range(view.size("exec_id"))}
    ids = [known.get(one, -1) for several in named for one in several]
    return np.repeat(rows, [len(several) for several in named]), np.array(ids, dtype=np.int64)


O16 = Predicate(
    "O16",
    "drop copy",
    "Execution reports equal the drop copy as multisets; positions equal the signed sums of fills.",
    ("executions", "account_fills", "account_positions", "operations", "replicas"),
    judge,
)
