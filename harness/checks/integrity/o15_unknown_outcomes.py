"""O15: an order without a reply ends as exactly one of accepted, rejected, never received, by the venue's evidence."""

from __future__ import annotations

from typing import Final

import numpy as np

from harness.checks.grouping import is_member
from harness.checks.integrity.evidence import of_operation, operation_row
from harness.checks.integrity.logged import binding_orders
from harness.checks.integrity.readings import readings
from harness.checks.predicate import Found, Predicate, Violations
from harness.checks.view import MISSING, Bools, Ints, View
from harness.model.units import format_ns

WITHIN_NS: Final = 30_000_000_000
"""How soon after the client gave up the venue's answer must be there."""

ACCEPTED, REJECTED, NEVER = 1, 2, 3
_NAMES = {ACCEPTED: "accepted", REJECTED: "rejected", NEVER: "never received"}


def judge(view: View) -> Found:
    """Each unknown outcome: was it asked for, was it answered once and for all, and is that what the replicas hold."""
    unknown = np.flatnonzero(
        view.equals("operations", "kind", "new")
        & view.equals("operations", "outcome", "info")
        & (view.ints("operations", "sent_ns") != MISSING)
        & (view.order_key("operations") >= 0)
    )
    violations = Violations()
    answers = _answers(view)
    asked = view.equals("operations", "kind", "resolve") | view.equals("operations", "kind", "query")
    keys = view.order_key("operations")[unknown]
    held, questioned = _held_everywhere(view, keys), is_member(keys, view.order_key("operations")[asked])
    silent = early = 0
    for row, key, everywhere, was_asked in zip(
        *(column.tolist() for column in (unknown, keys, held, questioned)), strict=True
    ):
        if key in answers:
            _judge_answers(view, row, answers[key], violations)
        elif everywhere:
            continue
        elif not was_asked:
            silent += 1
        elif _had_its_time(view, row):
            violations.extend(
                1, [of_operation(view, row, "has an unknown outcome, and no question about it was answered")]
            )
        else:
            early += 1
    _contradictions(view, violations)
    texts = [f"{silent} orders of unknown outcome were never asked about"] if silent else []
    if early:
        texts.append(
            f"{early} orders of unknown outcome had no answer yet when the load ended, less than {format_ns(WITHIN_NS)} "
            "after their clients gave up"
        )
    return violations.found(len(unknown), unknown="; ".join(texts))


def _had_its_time(view: View, row: int) -> bool:
    """Whether the run went on for long enough after the client gave up to demand an answer."""
    completed, sent = (int(view.ints("operations", name)[row]) for name in ("completed_ns", "sent_ns"))
    gave_up, drained = sent if completed == MISSING else completed, view.run.drained_ns
    return drained is not None and drained - gave_up > WITHIN_NS


def _answers(view: View) -> dict[int, list[int]]:
    """The conclusive answers to questions about orders, as rows, in the order of time."""
    asked = view.equals("operations", "kind", "resolve") | view.equals("operations", "kind", "query")
    conclusive = (view.codes("operations", "order_id") >= 0) | _never(view)
    rows = np.flatnonzero(
        asked & view.equals("operations", "outcome", "ok") & conclusive & (view.order_key("operations") >= 0)
    )
    rows = rows[np.argsort(view.ints("operations", "completed_ns")[rows], kind="stable")]
    found: dict[int, list[int]] = {}
    for row, key in zip(rows.tolist(), view.order_key("operations")[rows].tolist(), strict=True):
        found.setdefault(key, []).append(row)
    return found


def _never(view: View) -> Bools:
    return view.flags("operations", "never_received")


def _judge_answers(view: View, row: int, answers: list[int], violations: Violations) -> None:
    ends = {_end(view, answer): answer for answer in answers}
    if len(ends) > 1:
        names = " and ".join(_NAMES[end] for end in sorted(ends))
        cited = [operation_row(view, answer) for answer in ends.values()]
        violations.extend(1, [of_operation(view, row, f"is answered as {names}", *cited)])
    gave_up = int(view.ints("operations", "completed_ns")[row])
    took = int(view.ints("operations", "completed_ns")[answers[0]]) - gave_up
    if gave_up != MISSING and took > WITHIN_NS:
        violations.extend(
            1, [of_operation(view, row, f"was resolved only {format_ns(took)} after its client gave up")]
        )


def _end(view: View, row: int) -> int:
    if bool(_never(view)[row]):
        return NEVER
    return REJECTED if bool(view.equals("operations", "state", "rejected")[row]) else ACCEPTED


def _held_everywhere(view: View, keys: Ints) -> Bools:
    """Which orders every replica held when it was read last: evidence as good as an answer."""
    last = [reading.code for reading in readings(view) if reading.last]
    held = np.full(len(keys), bool(last))
    for code in last:
        held &= is_member(keys, view.order_key("orders")[view.reading("orders") == code])
    return held


def _contradictions(view: View, violations: Violations) -> None:
    """What was answered as never received must be in no book and no log, what was answered as accepted on each."""
    rows = np.flatnonzero(
        (view.equals("operations", "kind", "resolve") | view.equals("operations", "kind", "query"))
        & view.equals("operations", "outcome", "ok")
        & (view.order_key("operations") >= 0)
    )
    keys = view.order_key("operations")[rows]
    denied = rows[_never(view)[rows] & is_member(keys, view.order_key("orders"))]
    text = "was answered as never received, yet a replica holds it"
    violations.extend(len(denied), (of_operation(view, int(row), text) for row in denied))
    logged = np.concatenate([view.order_key("entries")[binding_orders(view, one)] for one in readings(view)])
    hidden = rows[_never(view)[rows] & is_member(keys, logged) & ~is_member(keys, view.order_key("orders"))]
    text = "was answered as never received, yet it is in the committed log"
    violations.extend(len(hidden), (of_operation(view, int(row), text) for row in hidden))
    _missing_though_told(view, rows, keys, violations)


def _missing_though_told(view: View, rows: Ints, keys: Ints, violations: Violations) -> None:
    accepted = (view.codes("operations", "order_id")[rows] >= 0) & ~_never(view)[rows]
    for reading in readings(view):
        if not reading.last:
            continue
        here = view.order_key("orders")[view.reading("orders") == reading.code]
        reached = view.ints("operations", "sequence")[rows] <= reading.applied_index
        lost = rows[accepted & reached & ~is_member(keys, here)]
        text = f"was answered as known to the venue, yet {reading.node} does not hold it"
        violations.extend(len(lost), (of_operation(view, int(row), text) for row in lost))


O15 = Predicate(
    "O15",
    "unknown outcomes",
    "Each order without a reply ends as exactly one of accepted, rejected, never received, by the venue's evidence, within "
    "a bound; it is never counted as lost.",
    ("operations", "entries", "executions", "orders", "replicas"),
    judge,
)
