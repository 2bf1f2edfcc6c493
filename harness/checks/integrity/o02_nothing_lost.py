"""O2: no acknowledged order is lost: it is in the committed log and in the book or a terminal state on every replica."""

from __future__ import annotations

import numpy as np

from harness.checks.grouping import is_member
from harness.checks.integrity.evidence import of_operation
from harness.checks.integrity.readings import Reading, readings
from harness.checks.predicate import Found, Predicate, Violations
from harness.checks.view import MISSING, Bools, Ints, View

_TERMINAL = ("filled", "cancelled", "rejected")


def judge(view: View) -> Found:
    """Every acknowledged order, in every reading of every replica that had come as far as the acknowledgement."""
    acknowledged = np.flatnonzero(
        view.equals("operations", "kind", "new")
        & view.equals("operations", "outcome", "ok")
        & (view.order_key("operations") >= 0)
    )
    if not len(acknowledged):
        return Found(0, unknown="no order was acknowledged")
    violations = Violations()
    every = readings(view)
    behind = [text for reading in every if (text := _judge_reading(view, reading, acknowledged, violations))]
    _judge_log(view, acknowledged, every, violations)
    return violations.found(len(acknowledged) * len(every), unknown="; ".join(behind))


def _judge_reading(view: View, reading: Reading, acknowledged: Ints, violations: Violations) -> str:
    """Judge one reading; a last reading that is behind the acknowledgements is told, because it proves nothing."""
    sequence = _sequence(view, acknowledged)
    reached = sequence <= reading.applied_index
    _in_the_book(view, reading, acknowledged[reached], violations)
    _as_told(view, reading, violations)
    late = int((~reached).sum())
    if late and reading.last:
        return (
            f"{reading.node} had applied {reading.applied_index} entries when it was read last, "
            f"and {late} acknowledged orders come after that"
        )
    return ""


def _sequence(view: View, rows: Ints) -> Ints:
    """The entry that decided each answer; an answer that doesn't tell it binds every reading."""
    sequence = view.ints("operations", "sequence")[rows]
    return np.where(sequence == MISSING, 0, sequence)


def _judge_log(view: View, rows: Ints, every: tuple[Reading, ...], violations: Violations) -> None:
    keys, sequence = view.order_key("operations")[rows], _sequence(view, rows)
    new = view.equals("entries", "type", "new") & view.flags("entries", "committed")
    somewhere = np.zeros(len(rows), dtype=np.bool_)
    bound = np.zeros(len(rows), dtype=np.bool_)
    for reading in every:
        here = view.order_key("entries")[new & (view.reading("entries") == reading.code)]
        held = is_member(keys, here)
        somewhere |= held
        asked = (sequence <= reading.commit_index) & (
            (sequence >= reading.first_index) | (reading.first_index <= 1)
        )
        bound |= asked
        text = f"was acknowledged and is not in the committed log of {reading.node} (reading {reading.read})"
        _tell(view, rows, asked & ~held, text, violations)
    lost = ~somewhere & ~bound & any(reading.first_index <= 1 for reading in every)
    _tell(view, rows, lost, "was acknowledged beyond the end of every replica's log, and is lost", violations)


def _in_the_book(view: View, reading: Reading, rows: Ints, violations: Violations) -> None:
    here = np.flatnonzero(view.reading("orders") == reading.code)
    span = view.size("order_id") + 1
    keys = view.order_key("operations")[rows]
    present = is_member(keys, view.order_key("orders")[here])
    text = f"was acknowledged and is unknown to {reading.node} (reading {reading.read})"
    _tell(view, rows, ~present, text, violations)
    told = view.codes("operations", "order_id")[rows]
    held = view.order_key("orders")[here] * span + view.codes("orders", "order_id")[here]
    renamed = present & (told >= 0) & ~is_member(keys * span + told, held)
    text = f"has another order id on {reading.node} (reading {reading.read}) than its client was told"
    _tell(view, rows, renamed, text, violations)


def _as_told(view: View, reading: Reading, violations: Violations) -> None:
    """What a client was told of an order still holds: terminal states stay, and filled quantities never shrink."""
    told = np.flatnonzero(
        view.equals("operations", "outcome", "ok")
        & (view.codes("operations", "order_id") >= 0)
        & (view.ints("operations", "sequence") <= reading.applied_index)
    )
    here = np.flatnonzero(view.reading("orders") == reading.code)
    if not len(here) or not len(told):
        return
    here = here[np.argsort(view.order_key("orders")[here], kind="stable")]
    held_keys, keys = view.order_key("orders")[here], view.order_key("operations")[told]
    place = np.searchsorted(held_keys, keys)
    place[place == len(here)] = 0
    matched = held_keys[place] == keys
    held = here[place]
    cum_told = view.ints("operations", "cum_quantity")[told]
    shrunk = matched & (cum_told > view.ints("orders", "cum_quantity")[held])
    _tell(view, told, shrunk, f"is filled less on {reading.node} than its client was told", violations)
    for state in _TERMINAL:
        moved = (
            matched
            & view.equals("operations", "state", state)[told]
            & ~view.equals("orders", "state", state)[held]
        )
        _tell(view, told, moved, f"was told as {state} and is not so on {reading.node}", violations)


def _tell(view: View, rows: Ints, where: Bools, text: str, violations: Violations) -> None:
    chosen = rows[where]
    violations.extend(len(chosen), (of_operation(view, int(row), text) for row in chosen))


O2 = Predicate(
    "O2",
    "no acknowledged order lost",
    "Each acknowledged order is in the committed log and in the final book or its terminal state on every replica, in "
    "every reading.",
    ("operations", "entries", "orders", "replicas"),
    judge,
)
