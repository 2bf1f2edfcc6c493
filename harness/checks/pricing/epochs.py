"""Who led when: each epoch, as the stack told it and as the journal has it, and whether it left marks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from harness.checks.predicate import Violations
from harness.checks.strain import unexplained_stalls
from harness.checks.view import View
from harness.model.stack_event import Moment
from harness.model.units import format_ns

LONGEST_WITHOUT_MARKS_NS: Final = 2_000_000_000
"""How long an epoch may serve before its first marks. A new primary waits for one tick of each input, and the slowest
comes five times a second (DOMAIN P11); from then on marks are journalled continuously. This is ten times as long."""

LEAST_TICKS: Final = 40
"""The ticks of the index in that time at the least rate of 20/s: with fewer, its provider had nothing to make marks of."""

_LONGEST_PAUSE_NS: Final = 500_000_000
"""A longer stretch between two entries counts no further: nobody knows whether the primary served all through it."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """One term of a primary.

    `provider` is its provider's and `at_ns` when it said that it serves (None: nobody told). `served_ns` is for how long it
    wrote entries that committed, by the venue's own time; `marked` says whether marks are among them. `whole` says that no
    snapshot stands for its first entries.
    """

    number: int
    provider: str | None
    at_ns: int | None
    served_ns: int
    marked: bool
    whole: bool = True


def committed_marks(view: View) -> pd.DataFrame:
    """The marks of one reading, by index: each once, and only what committed. Columns as in `marks`.

    It is the most advanced of those whose log goes back farthest.
    """
    found = view.run.cache.get("committed_marks")
    if not isinstance(found, pd.DataFrame):
        found = _committed(view, view.run.marks).sort_values(["index", "instrument"])
        view.run.cache["committed_marks"] = found
    return found


def epochs(view: View) -> tuple[Epoch, ...]:
    """Every epoch that was promoted or has committed entries, ascending."""
    marked = {int(epoch) for epoch in committed_marks(view)["epoch"].unique()}
    promoted, served, gone = _promotions(view), _service(view), _gone(view)
    return tuple(
        Epoch(
            number,
            *promoted.get(number, (None, None)),
            served_ns=served.get(number, 0),
            marked=number in marked,
            whole=number > gone,
        )
        for number in sorted(marked | set(promoted) | set(served))
    )


def judge_without_marks(view: View, violations: Violations) -> str:
    """Add the epochs that served too long without marks; what to say of those that could not be judged."""
    slack_ns = max((stall.stall_ns for stall in unexplained_stalls(view.run)), default=0)
    told = []
    for epoch in epochs(view):
        if epoch.marked or not epoch.whole:
            continue
        text = f"epoch {epoch.number} served for {format_ns(epoch.served_ns)} without a mark"
        if epoch.served_ns <= LONGEST_WITHOUT_MARKS_NS + slack_ns:
            told.append(f"{text}, too short to be judged")
        elif (ticks := _ticks(view, epoch)) is not None and ticks < LEAST_TICKS:
            told.append(f"{text}, and had only {ticks} ticks to make them of")
        else:
            limit = format_ns(LONGEST_WITHOUT_MARKS_NS)
            violations.add(f"{text} (limit {limit})", at_ns=epoch.at_ns, rows=(f"leadership:{epoch.number}",))
    return "; ".join(told)


def shortened(view: View) -> str:
    """Which epochs can't be judged because a snapshot stands for their first entries; empty when there are none."""
    names = ", ".join(str(epoch.number) for epoch in epochs(view) if not epoch.whole)
    return f"a snapshot stands for the log of epoch {names} or its beginning" if names else ""


def _source(view: View) -> pd.Series:
    """The row of `replicas` whose log is read."""
    oldest = view.run.replicas.sort_values("first_index", kind="stable")
    oldest = oldest[oldest["first_index"] == oldest["first_index"].iloc[0]]
    best: pd.Series = oldest.sort_values(["commit_index", "node", "read"]).iloc[-1]
    return best


def _gone(view: View) -> int:
    """The last epoch of whose first entries a snapshot may stand; 0 when the log is whole."""
    source = _source(view)
    if source["first_index"] <= 1:
        return 0
    epochs_left = _committed(view, view.run.entries)["epoch"]
    return int(epochs_left.min() if len(epochs_left) else source["epoch"])


def _committed(view: View, table: pd.DataFrame) -> pd.DataFrame:
    best = _source(view)
    own = (table["node"] == best["node"]) & (table["read"] == best["read"])
    kept: pd.DataFrame = table[own.fillna(value=False) & (table["index"] <= int(best["commit_index"]))]
    return kept


def _promotions(view: View) -> Mapping[int, tuple[str | None, int | None]]:
    """Each epoch's provider, and when its primary said first that it serves."""
    told = view.run.leadership
    kept = told[(told["kind"] == Moment.PRIMARY_PROMOTED).fillna(value=False) & told["epoch"].notna()]
    return {
        int(row["epoch"]): (None if pd.isna(row["provider"]) else str(row["provider"]), int(row["at_ns"]))
        for row in kept.drop_duplicates("epoch").to_dict("records")
    }


def _service(view: View) -> Mapping[int, int]:
    """For how long each epoch wrote what committed."""
    entries = _committed(view, view.run.entries[["node", "read", "index", "epoch", "time_ns"]])
    return {
        int(str(number)): int(np.minimum(np.diff(np.sort(times.to_numpy())), _LONGEST_PAUSE_NS).sum())
        for number, times in entries.groupby("epoch")["time_ns"]
    }


def _ticks(view: View, epoch: Epoch) -> int | None:
    """How many prices its provider published meanwhile from inputs newer than the takeover; None when nobody can tell."""
    if epoch.at_ns is None or epoch.provider is None:
        return None
    quotes = view.run.quotes
    at = quotes["published_ns"]
    own = (quotes["provider"] == epoch.provider).fillna(value=False)
    during = quotes[own & at.between(epoch.at_ns, epoch.at_ns + epoch.served_ns)]
    born = during["published_ns"] - oldest_input_ns(during)
    stale = set(during.loc[born <= epoch.at_ns, "source_sequence"])
    return len(set(during["source_sequence"]) - stale)


def oldest_input_ns(quotes: pd.DataFrame) -> pd.Series:
    """The age of each quote's oldest input: the index, and for options the surface, too."""
    both = quotes[["index_age_ns", "surface_age_ns"]].max(axis=1)
    return quotes["index_age_ns"].where(quotes["strike"].isna(), both)
