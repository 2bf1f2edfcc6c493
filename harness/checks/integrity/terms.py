"""The terms of what can be traded, by instrument code, for those who decide or compute from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.checks.view import MISSING, Bools, Ints, View

_OPTIONS = ("option_call", "option_put")
_INVERSE = ("perpetual", "future")


@dataclass(frozen=True, slots=True)
class Terms:
    """Arrays with one element an instrument code, and one more, which code -1 finds: no instrument at all.

    `tick`, `contract_value` and `price_band` are `MISSING` where the stack doesn't tell them; units as in the table
    `instruments`. `problem` says why there are none; empty when there are.
    """

    listed: Bools
    option: Bools
    inverse: Bools
    tick: Ints
    contract_value: Ints
    price_band: Ints
    problem: str


def terms(view: View) -> Terms:
    """The terms that this run's stack told; of an instrument that is listed twice, the last."""
    rows, size = view.codes("instruments", "instrument"), view.size("instrument") + 1
    option = _any_of(view, _OPTIONS)
    return Terms(
        listed=_flags(size, rows[rows >= 0]),
        option=_flags(size, rows[option]),
        inverse=_flags(size, rows[_any_of(view, _INVERSE)]),
        tick=_column(view, rows, size, "tick"),
        contract_value=_column(view, rows, size, "contract_value"),
        price_band=_column(view, rows, size, "price_band"),
        problem=view.run.problem("instruments") or ("" if len(rows) else "the table instruments is empty"),
    )


def _any_of(view: View, kinds: tuple[str, ...]) -> Bools:
    first, second = (view.equals("instruments", "kind", kind) for kind in kinds)
    return first | second


def _flags(size: int, codes: Ints) -> Bools:
    flags = np.zeros(size, dtype=np.bool_)
    flags[codes] = True
    flags[-1] = False
    return flags


def _column(view: View, rows: Ints, size: int, name: str) -> Ints:
    values = np.full(size, MISSING, dtype=np.int64)
    values[rows] = view.ints("instruments", name)
    values[-1] = MISSING
    return values
