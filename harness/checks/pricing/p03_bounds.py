"""P3: prices lie within what admits no arbitrage: max(1-K/F, 0) <= C <= 1 and max(K/F-1, 0) <= P <= K/F."""

from __future__ import annotations

from typing import Final

import numpy as np

from harness.checks.black76 import intrinsic
from harness.checks.predicate import Found, Predicate, Violations
from harness.checks.view import View

TOLERANCE: Final = 1e-14
"""Of max(1, K/F): a few units in the last place of a number of order one."""


def judge(view: View) -> Found:
    """Each option's mark between its bounds; every other mark is a number above zero."""
    quotes = view.run.quotes
    violations = Violations()
    mark = quotes["mark"].to_numpy()
    option = (quotes["strike"].notna() & quotes["forward"].notna()).to_numpy()
    ratio = np.where(option, quotes["strike"].to_numpy() / quotes["forward"].to_numpy(), 1.0)
    calls = (quotes["kind"] == "option_call").fillna(value=False).to_numpy(dtype=np.bool_)
    lower = np.where(option, intrinsic(np.ones(len(ratio)), ratio, calls=calls), 0.0)
    upper = np.where(option, np.where(calls, 1.0, ratio), np.inf)
    slack = TOLERANCE * np.maximum(1.0, ratio)
    inside = (mark >= lower - slack) & (mark <= upper + slack) & np.isfinite(mark) & (option | (mark > 0))
    wrong = ~inside
    bounds = zip(lower[wrong].tolist(), upper[wrong].tolist(), strict=True)
    for row, (low, high) in zip(quotes[wrong].to_dict("records"), bounds, strict=True):
        violations.add(
            f"{row['provider']} quotes {row['instrument']} at {row['mark']!r}, outside [{low!r}, {high!r}]",
            at_ns=int(row["published_ns"]),
            rows=(f"quotes:{row['provider']}:{row['instrument']}:{row['source_sequence']}",),
        )
    return violations.found(len(quotes))


P3 = Predicate(
    "P3",
    "bounds",
    "max(1-K/F, 0) <= C <= 1 and max(K/F-1, 0) <= P <= K/F in coin; every other mark is above zero.",
    ("quotes",),
    judge,
)
