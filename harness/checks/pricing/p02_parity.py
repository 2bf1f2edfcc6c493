"""P2: put-call parity in coin: C - P = 1 - K/F."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from harness.checks.predicate import Found, Predicate, Violations
from harness.checks.view import View

TOLERANCE: Final = 1e-12
"""Of max(1, K/F): the rounding of two prices of order one, with room for libraries' last bits."""

_SAME: Final = [
    "provider",
    "published_ns",
    "source_sequence",
    "inputs_hash",
    "expiry_years",
    "strike",
    "forward",
]


def judge(view: View) -> Found:
    """Each call against the put of the same strike and expiry in the same publication."""
    quotes = view.run.quotes
    columns = [*_SAME, "instrument", "mark"]
    calls = quotes.loc[(quotes["kind"] == "option_call").fillna(value=False), columns]
    puts = quotes.loc[(quotes["kind"] == "option_put").fillna(value=False), columns]
    both = calls.merge(puts, on=_SAME, suffixes=("_call", "_put"))
    if both.empty:
        return Found(0, unknown="no call was quoted together with its put")
    violations = Violations()
    ratio = both["strike"].to_numpy() / both["forward"].to_numpy()
    gap = both["mark_call"].to_numpy() - both["mark_put"].to_numpy() - (1.0 - ratio)
    wrong = ~(np.abs(gap) <= TOLERANCE * np.maximum(1.0, ratio))
    for row, error in zip(both[wrong].to_dict("records"), gap[wrong].tolist(), strict=True):
        violations.add(_text(row, error), at_ns=int(row["published_ns"]), rows=(_row(row),))
    return violations.found(len(both), unknown=_unpaired(calls, puts, both))


def _unpaired(calls: pd.DataFrame, puts: pd.DataFrame, both: pd.DataFrame) -> str:
    alone = len(calls) + len(puts) - 2 * len(both)
    return f"{alone} options were quoted without the other side of their pair" if alone > 0 else ""


def _text(row: dict[str, object], error: float) -> str:
    return (
        f"{row['provider']}: {row['instrument_call']} at {row['mark_call']!r} and {row['instrument_put']} at "
        f"{row['mark_put']!r} miss parity by {error:.3g} coin"
    )


def _row(row: dict[str, object]) -> str:
    return f"quotes:{row['provider']}:{row['instrument_put']}:{row['source_sequence']}"


P2 = Predicate("P2", "put-call parity", "In coin, a call less its put is worth 1 - K/F.", ("quotes",), judge)
