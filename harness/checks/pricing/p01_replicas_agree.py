"""P1: the same inputs and model version give the same price on every provider, and the price of an independent model."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from harness.checks.black76 import inverse_price
from harness.checks.predicate import Found, Predicate, Violations
from harness.checks.view import View

LEAST_PAIRS: Final = 100
MODEL_TOLERANCE: Final = 1e-12
"""Of max(1, K/F) coin. Two sound routes to one price differ by the rounding of the published volatility and time, some
1e-15; the finest planted mistake is a thousand times the tolerance."""

_SAME: Final = ["instrument", "model_version", "inputs_hash"]


def judge(view: View, *, max_scaled_error: float = 0.0) -> Found:
    """Match quotes of different providers by their inputs; compare each with the first provider's.

    `max_scaled_error` is the greatest difference, in coin of max(1, K/F) for options, as a share of the price otherwise.
    """
    quotes = view.run.quotes
    violations = Violations()
    pairs = _pairs(quotes)
    _compare(pairs, max_scaled_error, violations)
    _against_model(quotes, violations)
    return violations.found(len(pairs), unknown=_too_few(view, quotes, pairs))


def _pairs(quotes: pd.DataFrame) -> pd.DataFrame:
    """One row a quote that has the same inputs as a quote of an earlier provider (by name), with that one's price."""
    kept = quotes.sort_values(["provider", "published_ns"], kind="stable").drop_duplicates(
        [*_SAME, "provider", "mark"]
    )
    first = kept.drop_duplicates(_SAME)[[*_SAME, "provider", "mark"]]
    both = kept.merge(first, on=_SAME, suffixes=("", "_first"))
    return both[(both["provider"] != both["provider_first"]) | (both["mark"] != both["mark_first"])]


def _compare(pairs: pd.DataFrame, max_scaled_error: float, violations: Violations) -> None:
    if pairs.empty:
        return
    mark, first = pairs["mark"].to_numpy(), pairs["mark_first"].to_numpy()
    error = np.abs(mark - first) / _scale(pairs)
    wrong = ~(error <= max_scaled_error)
    order = np.argsort(-np.nan_to_num(error[wrong], nan=np.inf), kind="stable")
    for row in pairs[wrong].iloc[order].to_dict("records"):
        violations.add(
            f"{row['provider']} quotes {row['instrument']} at {row['mark']!r} and {row['provider_first']} at "
            f"{row['mark_first']!r} from the same inputs ({row['inputs_hash']})",
            at_ns=int(row["published_ns"]),
            rows=(f"quotes:{row['provider']}:{row['instrument']}:{row['source_sequence']}",),
        )


def _scale(quotes: pd.DataFrame) -> np.ndarray:
    """What an error is measured in: max(1, K/F) coin for options, the price itself for what is quoted in dollars."""
    option = quotes["strike"].notna().to_numpy()
    ratio = quotes["strike"].to_numpy() / quotes["forward"].to_numpy()
    scale: np.ndarray = np.where(option, np.fmax(1.0, ratio), np.abs(quotes["mark"].to_numpy()))
    return np.where(scale > 0, scale, 1.0)


def _against_model(quotes: pd.DataFrame, violations: Violations) -> None:
    """Each option's price against an independent Black-76 on the inputs that the quote itself names."""
    options = quotes[quotes[["forward", "strike", "volatility", "expiry_years"]].notna().all(axis=1)]
    if options.empty:
        return
    forward, strike = options["forward"].to_numpy(), options["strike"].to_numpy()
    deviation = options["volatility"].to_numpy() * np.sqrt(options["expiry_years"].to_numpy())
    calls = (options["kind"] == "option_call").to_numpy(dtype=np.bool_)
    want = inverse_price(forward, strike, deviation, calls=calls)
    error = np.abs(options["mark"].to_numpy() - want) / _scale(options)
    wrong = ~(error <= MODEL_TOLERANCE)
    for row, model in zip(options[wrong].to_dict("records"), want[wrong].tolist(), strict=True):
        violations.add(
            f"{row['provider']} quotes {row['instrument']} at {row['mark']!r}; an independent Black-76 on its own inputs "
            f"gives {model!r}",
            at_ns=int(row["published_ns"]),
            rows=(f"quotes:{row['provider']}:{row['instrument']}:{row['source_sequence']}",),
        )


def _too_few(view: View, quotes: pd.DataFrame, pairs: pd.DataFrame) -> str:
    for kind in sorted(quotes["kind"].dropna().unique()):
        count = int((pairs["kind"] == kind).sum())
        if count < LEAST_PAIRS:
            return f"only {count} pairs of quotes of the class {kind} have the same inputs; {LEAST_PAIRS} are needed"
    paired = {*pairs["provider"].dropna(), *pairs["provider_first"].dropna()}
    expected = {*view.run.meta.providers, *quotes["provider"].dropna()}
    if absent := sorted(expected - paired):
        return f"no quote of {', '.join(absent)} has the same inputs as another provider's"
    return ""


P1 = Predicate(
    "P1",
    "replicas agree",
    "The same inputs hash and model version give the same price on every provider, and that of an independent model.",
    ("quotes",),
    judge,
)
