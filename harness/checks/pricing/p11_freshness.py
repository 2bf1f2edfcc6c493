"""P11: no mark on inputs older than the limit, and none after a takeover before every input had a newer tick."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from harness.checks.circumstances import unexplained_stalls
from harness.checks.predicate import Found, Predicate, Violations
from harness.checks.pricing.takeovers import Takeover, committed_marks, takeovers
from harness.checks.view import View
from harness.history.run import Run
from harness.model.units import format_ns

INDEX_LIMIT_NS: Final = 1_000_000_000
SURFACE_LIMIT_NS: Final = 10_000_000_000
LEAST_TICKS_PER_S: Final = 20.0
LEAST_QUIET_S: Final = 0.5
_TOLD_AFTER_NS: Final = 10_000_000
"""A primary takes over a moment before it says so; inputs that came in between are newer than the takeover."""
_SETTLE_NS: Final = 5_000_000_000


def judge(
    view: View, *, index_limit_ns: int = INDEX_LIMIT_NS, surface_limit_ns: int = SURFACE_LIMIT_NS
) -> Found:
    """Ages of what was published and of what was journalled, inputs after each takeover, and the rate of ticks.

    Ages grow while the host stands still, by no more than its longest stall: what is over a limit by more than that is the
    stack's doing all the same.
    """
    quotes, marks = view.run.quotes, committed_marks(view)
    worst = max((stall.stall_ns for stall in unexplained_stalls(view.run)), default=0)
    strict = Violations()
    for slack, violations in ((0, strict), (worst, proven := Violations())):
        _ages(quotes, index_limit_ns + slack, surface_limit_ns + slack, violations)
        _journalled(marks, index_limit_ns + slack, violations)
        for takeover in takeovers(view):
            _after_takeover(quotes, takeover, slack, violations)
    judged = len(quotes) + len(marks)
    if strict.count and not proven.count and worst:
        text = (
            f"the host stood still for up to {format_ns(worst)}, so ages that are over by less prove nothing"
        )
        return Found(judged, unknown=text, environment_caused=True)
    return proven.found(judged, unknown=_rates(view.run))


def _ages(quotes: pd.DataFrame, index_limit_ns: int, surface_limit_ns: int, violations: Violations) -> None:
    option = quotes["strike"].notna().to_numpy()
    for column, limit, where in (
        ("index_age_ns", index_limit_ns, np.ones(len(quotes), dtype=np.bool_)),
        ("surface_age_ns", surface_limit_ns, option),
    ):
        old = where & (quotes[column].to_numpy() > limit)
        worst = quotes[old].sort_values(column, ascending=False)
        for row in worst.to_dict("records"):
            violations.add(
                f"{row['provider']} quotes {row['instrument']} on an input that is {format_ns(row[column])} old "
                f"({column.removesuffix('_age_ns')}; limit {format_ns(limit)})",
                at_ns=int(row["published_ns"]),
                rows=(f"quotes:{row['provider']}:{row['instrument']}:{row['source_sequence']}",),
            )


def _journalled(marks: pd.DataFrame, limit_ns: int, violations: Violations) -> None:
    age = marks["input_age_ns"].to_numpy(dtype="int64", na_value=0)
    for row in marks[age > limit_ns].drop_duplicates("index").to_dict("records"):
        violations.add(
            f"the marks of entry {row['index']} rest on inputs {format_ns(row['input_age_ns'])} old "
            f"(limit {format_ns(limit_ns)})",
            rows=(f"marks:{row['node']}:{row['index']}",),
        )


def _after_takeover(quotes: pd.DataFrame, takeover: Takeover, slack_ns: int, violations: Violations) -> None:
    """The first marks of an epoch rest on inputs that all came after the takeover, or at most `slack_ns` before."""
    sequences = takeover.after["source_sequence"].dropna()
    if takeover.at_ns is None or takeover.provider is None or sequences.empty:
        return
    same = (quotes["provider"] == takeover.provider) & (quotes["source_sequence"] == int(sequences.iloc[0]))
    used = quotes[same.fillna(value=False)]
    if used.empty:
        return
    age = used["index_age_ns"].where(
        used["strike"].isna(), used[["index_age_ns", "surface_age_ns"]].max(axis=1)
    )
    born = used["published_ns"] - age
    oldest = used.iloc[int(np.argmin(born.to_numpy()))]
    early_ns = takeover.at_ns - int(born.min())
    if early_ns > _TOLD_AFTER_NS + slack_ns:
        violations.add(
            f"the first mark of {oldest['instrument']} in epoch {takeover.epoch} rests on an input that came "
            f"{format_ns(early_ns)} before {takeover.provider} took over",
            at_ns=takeover.at_ns,
            rows=(f"quotes:{oldest['provider']}:{oldest['instrument']}:{oldest['source_sequence']}",),
        )


def _rates(run: Run) -> str:
    """Why freshness can't be judged: too few ticks of the index in the seconds that no fault touched."""
    at = run.quotes["published_ns"].to_numpy()
    begin, end = int(at.min()), int(at.max())
    quiet, seconds = np.ones(len(at), dtype=np.bool_), (end - begin) / 1e9
    for first, until in _disturbed(run, end):
        quiet &= (at < first) | (at > until)
        seconds -= max(0, min(until, end) - max(first, begin)) / 1e9
    if seconds < LEAST_QUIET_S:
        return ""
    ticks = run.quotes[quiet].groupby("provider")["source_sequence"].nunique()
    best = float(ticks.max()) / seconds if len(ticks) else 0.0
    if best >= LEAST_TICKS_PER_S:
        return ""
    return f"the index ticks {best:.1f} times a second, too slowly to judge freshness ({LEAST_TICKS_PER_S:g}/s are needed)"


def _disturbed(run: Run, end_ns: int) -> list[tuple[int, int]]:
    """The stretches that faults touched, and some seconds after each; those that overlap are one."""
    merged: list[tuple[int, int]] = []
    for first, lifted in zip(run.faults["first_effect_ns"], run.faults["lifted_ns"], strict=True):
        until = end_ns if pd.isna(lifted) else int(lifted) + _SETTLE_NS
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], until))
        else:
            merged.append((int(first), until))
    return merged


P11 = Predicate(
    "P11",
    "freshness",
    "No mark rests on inputs older than the limit; after a takeover each input has a tick newer than the takeover first.",
    ("quotes", "marks", "replicas"),
    judge,
)
