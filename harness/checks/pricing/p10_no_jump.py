"""P10: the first mark after a failover lies in the monotone box of the model over all inputs seen in the gap."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from harness.checks.black76 import inverse_price
from harness.checks.predicate import Found, Predicate, Violations
from harness.checks.pricing.epochs import judge_without_marks, shortened
from harness.checks.pricing.takeovers import Takeover, takeovers
from harness.checks.view import View
from harness.model.units import counted

TOLERANCE: Final = 1e-12
"""Of max(1, the upper end): the rounding of two routes to one price, from DOMAIN P10."""
ROUNDING: Final = 0.5e-8
"""A mark in the journal is a whole number of 1e-8."""
_SCALE: Final = 10**8


def judge(view: View) -> Found:
    """For each change of primary, each instrument's first mark against the range that its inputs allow."""
    violations = Violations()
    note = judge_without_marks(view, violations)
    judged, blind, unknown = 0, 0, []
    for takeover in takeovers(view):
        if takeover.before.empty:
            unknown.append(f"no earlier epoch left marks to compare those of epoch {takeover.epoch} with")
            continue
        if takeover.provider is None:
            unknown.append(
                f"nobody told who leads epoch {takeover.epoch}, so its own inputs could not be left out"
            )
        seen = _inputs_of_others(view.run.quotes, takeover)
        for mark in takeover.after.to_dict("records"):
            inputs = _in_gap(seen, mark, takeover)
            if inputs.empty:
                blind += 1
                continue
            judged += 1
            _judge_mark(mark, inputs, takeover, violations)
    unknown.append(shortened(view))
    if blind:
        unknown.append(f"for {counted(blind, 'mark')} after a failover no inputs were recorded")
    return violations.found(judged, unknown="; ".join(text for text in unknown if text), note=note)


def _inputs_of_others(quotes: pd.DataFrame, takeover: Takeover) -> pd.DataFrame:
    """The inputs that others than the new primary saw from the last mark before to its first ones, both included.

    The new primary's own inputs are what is accused: a box around them would hold any mark that it made of them.
    """
    others: pd.DataFrame = quotes[(quotes["provider"] != takeover.provider).fillna(value=True)]
    sequences = pd.concat([takeover.before["source_sequence"], takeover.after["source_sequence"]]).dropna()
    if sequences.empty:
        return others.iloc[:0]
    return others[others["source_sequence"].between(int(sequences.min()), int(sequences.max()))]


def _in_gap(seen: pd.DataFrame, mark: Mapping[Hashable, Any], takeover: Takeover) -> pd.DataFrame:
    """The inputs of one instrument up to its own first mark."""
    inputs: pd.DataFrame = seen[(seen["instrument"] == mark["instrument"]).fillna(value=False)]
    ends = [*takeover.before["source_sequence"].dropna(), mark["source_sequence"]]
    return inputs if pd.isna(ends[-1]) else inputs[inputs["source_sequence"] <= max(ends)]


def _judge_mark(
    mark: Mapping[Hashable, Any], inputs: pd.DataFrame, takeover: Takeover, violations: Violations
) -> None:
    low, high = _box(inputs)
    price = int(mark["price"]) / _SCALE
    slack = ROUNDING + TOLERANCE * max(1.0, abs(high))
    if not low - slack <= price <= high + slack:
        violations.add(
            f"the first mark of {mark['instrument']} in epoch {takeover.epoch} is {price!r}; inputs seen in the gap allow "
            f"[{low!r}, {high!r}]",
            at_ns=takeover.at_ns,
            rows=(f"marks:{mark['node']}:{mark['index']}:{mark['instrument']}",),
        )


def _box(inputs: pd.DataFrame) -> tuple[float, float]:
    """The least and the greatest price: an option's rises with volatility and time, a call's with F, a put's against it."""
    if inputs["strike"].notna().all():
        low, high = inputs.min(numeric_only=True), inputs.max(numeric_only=True)
        call = inputs["kind"].iloc[0] == "option_call"
        cheap, dear = (low["forward"], high["forward"]) if call else (high["forward"], low["forward"])
        corners = (
            (cheap, low["volatility"] * np.sqrt(low["expiry_years"])),
            (dear, high["volatility"] * np.sqrt(high["expiry_years"])),
        )
        prices = [_price(forward, low["strike"], deviation, call=call) for forward, deviation in corners]
        return prices[0], prices[1]
    basis = inputs["basis"].fillna(0.0)
    return (
        float(inputs["index"].min() + basis.min()),
        float(inputs["index"].max() + basis.max()),
    )


def _price(forward: float, strike: float, deviation: float, *, call: bool) -> float:
    column = [np.array([float(value)]) for value in (forward, strike, deviation)]
    return float(inverse_price(*column, calls=np.array([call]))[0])


P10 = Predicate(
    "P10",
    "no jump at failover",
    "The first mark after a failover lies in the monotone box of the model over all inputs seen in the gap.",
    ("marks", "quotes", "entries", "replicas"),
    judge,
)
