"""Changes of the primary, as the marks in the journal show them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

from harness.checks.view import View
from harness.model.stack_event import Moment


@dataclass(frozen=True, slots=True)
class Takeover:
    """The last marks of one epoch and the first of the next; `before` and `after` have one row an instrument.

    `provider` is the new primary's and `at_ns` when it said that it serves; None when the stack didn't tell.
    """

    epoch: int
    before: pd.DataFrame
    after: pd.DataFrame
    provider: str | None
    at_ns: int | None


def committed_marks(view: View) -> pd.DataFrame:
    """The marks of the most advanced reading, by index: each once, and only what committed."""
    marks, replicas = view.run.marks, view.run.replicas
    best = replicas.sort_values(["commit_index", "node", "read"]).iloc[-1]
    mine: pd.DataFrame = marks[(marks["node"] == best["node"]) & (marks["read"] == best["read"])]
    return mine[mine["index"] <= int(best["commit_index"])].sort_values(["index", "instrument"])


def takeovers(view: View) -> tuple[Takeover, ...]:
    """Every change of epoch that both sides of have marks."""
    marks = committed_marks(view)
    found = []
    epochs = sorted(marks["epoch"].unique())
    for older, newer in pairwise(epochs):
        before, after = marks[marks["epoch"] == older], marks[marks["epoch"] == newer]
        provider, at_ns = _promotion(view, int(newer))
        found.append(
            Takeover(
                int(newer),
                before[before["index"] == before["index"].max()],
                after[after["index"] == after["index"].min()],
                provider,
                at_ns,
            )
        )
    return tuple(found)


def _promotion(view: View, epoch: int) -> tuple[str | None, int | None]:
    told = view.run.leadership
    promoted = told[
        ((told["kind"] == Moment.PRIMARY_PROMOTED) & (told["epoch"] == epoch)).fillna(value=False)
    ]
    if promoted.empty:
        return None, None
    first = promoted.iloc[0]
    provider = None if pd.isna(first["provider"]) else str(first["provider"])
    return provider, int(first["at_ns"])
