"""Changes of the primary, with the marks on both sides of each."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from harness.checks.pricing.epochs import committed_marks, epochs
from harness.checks.view import View


@dataclass(frozen=True, slots=True)
class Takeover:
    """The last marks before an epoch, and its own first mark of each instrument; one row an instrument, as in `marks`.

    `before` is empty when no earlier epoch left marks. `provider` is the new primary's and `at_ns` when it said that it
    serves; None when nobody told.
    """

    epoch: int
    before: pd.DataFrame
    after: pd.DataFrame
    provider: str | None
    at_ns: int | None


def takeovers(view: View) -> tuple[Takeover, ...]:
    """Every epoch but the first that has its first marks, ascending.

    For those without see `judge_without_marks`, for those that a snapshot stands for `shortened`.
    """
    marks = committed_marks(view)
    found = []
    for epoch in epochs(view)[1:]:
        if not (epoch.marked and epoch.whole):
            continue
        before, after = marks[marks["epoch"] < epoch.number], marks[marks["epoch"] == epoch.number]
        found.append(
            Takeover(
                epoch.number,
                before[before["index"] == before["index"].max()],
                after.drop_duplicates("instrument"),
                epoch.provider,
                epoch.at_ns,
            )
        )
    return tuple(found)
