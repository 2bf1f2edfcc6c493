"""The coin that each replica booked for its fills, against what their prices make."""

from __future__ import annotations

import numpy as np

from harness.checks.grouping import group_sums, lookup, ordered
from harness.checks.integrity.evidence import of_execution
from harness.checks.integrity.fill_cash import Leg, cash_of
from harness.checks.integrity.readings import Reading, readings
from harness.checks.integrity.terms import Terms, terms
from harness.checks.predicate import Violations
from harness.checks.view import MISSING, Ints, View
from harness.model.units import counted

_COLUMNS = ("index", "ordinal", "last_quantity", "last_price")
_BEYOND = 2**62  # more coin than there is: what an absurd fill pays must still fit into an array


def judge_cash(view: View, violations: Violations) -> tuple[int, str]:
    """Add the fills that book other coin than they pay; how many were computed, and what to say of the rest.

    Replicas that tell the same fills are computed once.
    """
    known = terms(view)
    every = {reading: _fills(view, reading.code) for reading in readings(view)}
    told = [rows for reading, rows in every.items() if _from_the_first(view, reading, rows)]
    done: list[tuple[Ints, Ints]] = []
    judged = 0
    for rows in sorted(told, key=len, reverse=True):
        mine = _content(view, rows)
        due = next(
            (cash[: len(rows)] for content, cash in done if np.array_equal(content[: len(rows)], mine)), None
        )
        if due is None:
            due = _due(view, rows, known)
            done.append((mine, due))
        judged += _compare(view, rows, due, violations)
    fills = int(view.equals("executions", "type", "filled").sum())
    why = known.problem or (
        "of some instruments no contract value is told" if told else "the first of them are not there"
    )
    left = f"the cash of {counted(fills - judged, 'fill')} was not computed again: {why}"
    return judged, left if fills > judged else ""


def _fills(view: View, reading: int) -> Ints:
    """One reading's fills, in the order in which they happened."""
    rows = np.flatnonzero(
        (view.reading("executions") == reading) & view.equals("executions", "type", "filled")
    )
    return rows[ordered(*(view.ints("executions", name)[rows] for name in ("index", "ordinal")))]


def _from_the_first(view: View, reading: Reading, rows: Ints) -> bool:
    """Whether all fills are there, also those for which a snapshot stands in the log: they make the positions held."""
    if reading.first_index <= 1:
        return True
    span = view.size("instrument") + 1
    quantity = view.ints("executions", "last_quantity")[rows]
    booked = group_sums(
        view.codes("executions", "account")[rows] * span + view.codes("executions", "instrument")[rows],
        np.where(view.equals("executions", "side", "buy")[rows], quantity, -quantity),
    )
    held = (view.reading("balances") == reading.code) & (view.codes("balances", "instrument") >= 0)
    keys = view.codes("balances", "account")[held] * span + view.codes("balances", "instrument")[held]
    every = np.union1d(booked[0], keys)
    amounts = lookup(every, *group_sums(keys, view.ints("balances", "amount")[held]), absent=0)
    return np.array_equal(lookup(every, *booked, absent=0), amounts)


def _content(view: View, rows: Ints) -> Ints:
    """All that decides what fills pay, one row a fill."""
    return np.column_stack(
        (
            *(view.ints("executions", name)[rows] for name in _COLUMNS),
            *(view.codes("executions", name)[rows] for name in ("account", "instrument", "side")),
        )
    )


def _due(view: View, rows: Ints, known: Terms) -> Ints:
    """What each fill must book; `MISSING` where the terms of its instrument are unknown, or it has no price."""
    instrument, price = (
        view.codes("executions", "instrument")[rows],
        view.ints("executions", "last_price")[rows],
    )
    value, option = known.contract_value[instrument], known.option[instrument]
    judged = (value > 0) & (option | known.inverse[instrument]) & (price > 0)
    signed = np.where(view.equals("executions", "side", "buy"), 1, -1)[rows]
    position = view.codes("executions", "account")[rows] * (view.size("instrument") + 1) + instrument
    columns = (position, signed * view.ints("executions", "last_quantity")[rows], price, value, option)
    due = np.full(len(rows), MISSING, dtype=np.int64)
    legs = map(Leg, *(column[judged].tolist() for column in columns))
    due[judged] = [max(-_BEYOND, min(_BEYOND, cash)) for cash in cash_of(legs)]
    return due


def _compare(view: View, rows: Ints, due: Ints, violations: Violations) -> int:
    booked = view.ints("executions", "cash")[rows]
    computed = due != MISSING
    wrong = np.flatnonzero(computed & (due != booked))
    violations.extend(
        len(wrong),
        (
            of_execution(
                view, int(rows[at]), f"books {booked[at]} for a fill that pays {due[at]} (1e-8 coin)"
            )
            for at in wrong.tolist()
        ),
    )
    return int(computed.sum())
