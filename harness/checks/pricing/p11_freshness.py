"""P11: no mark on inputs older than the limit, and none after a takeover before every input had a newer tick."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from harness.checks.predicate import Found, Predicate, Violations
from harness.checks.pricing.epochs import committed_marks, judge_without_marks, oldest_input_ns, shortened
from harness.checks.pricing.takeovers import Takeover, takeovers
from harness.checks.pricing.tick_rates import too_slow
from harness.checks.strain import Stretch, contentions, stalls
from harness.checks.view import Ints, View
from harness.history.run import Run
from harness.model.units import counted, format_ns

INDEX_LIMIT_NS: Final = 1_000_000_000
SURFACE_LIMIT_NS: Final = 10_000_000_000
"""Both from DOMAIN P11; an expectation may say others."""
_TOLD_AFTER_NS: Final = 10_000_000
"""A primary takes over a moment before it says so; inputs that came in between are newer than the takeover."""


def judge(
    view: View, *, index_limit_ns: int = INDEX_LIMIT_NS, surface_limit_ns: int = SURFACE_LIMIT_NS
) -> Found:
    """Ages of what was published and of what was journalled, inputs after each takeover, and the rates of ticks.

    Limits are nanoseconds. What is over one by more than the machine can have added (see `_Slack`) is the stack's doing. An
    input from before a takeover proves as much however busy strangers kept the machine.
    """
    run, marks, changes = view.run, committed_marks(view), takeovers(view)
    aged = [Violations(), Violations()]
    early = [Violations(), Violations()]
    note = judge_without_marks(view, early[1])
    missing: list[str] = []
    for slack, old, before in zip((_Slack(), _slack(run)), aged, early, strict=True):
        _ages(run.quotes, index_limit_ns, surface_limit_ns, slack, old)
        missing = _journalled(marks, index_limit_ns + slack.most_ns, old)
        missing += [_after_takeover(run.quotes, takeover, slack.stall_ns, before) for takeover in changes]
    judged = len(run.quotes) + len(marks)
    if (aged[0].count or early[0].count) and not (aged[1].count or early[1].count):
        return Found(judged, unknown=_excuse(run), environment_caused=True, note=note)
    unknown = "; ".join(text for text in (*missing, shortened(view), too_slow(run)) if text)
    proven = early[1]
    proven.extend(aged[1].count, aged[1].evidence)
    return proven.found(judged, unknown=unknown, note=note)


@dataclass(frozen=True, slots=True)
class _Slack:
    """What the machine can have added to an age: its longest stall, and the stretches in which strangers held it."""

    stall_ns: int = 0
    contended: tuple[Stretch, ...] = ()

    @property
    def most_ns(self) -> int:
        """To an age that was taken nobody knows when."""
        return self.stall_ns + sum(stretch.length_ns for stretch in self.contended)

    def of(self, at_ns: Ints, ages_ns: Ints) -> Ints:
        """To ages that were taken then: contention adds where it fell into the time since the input came."""
        slack_ns = np.full(len(ages_ns), self.stall_ns, dtype=np.int64)
        for stretch in self.contended:
            lived = (at_ns - ages_ns <= stretch.end_ns) & (stretch.begin_ns <= at_ns)
            slack_ns += lived * stretch.length_ns
        return slack_ns


def _slack(run: Run) -> _Slack:
    return _Slack(max((stall.length_ns for stall in stalls(run)), default=0), tuple(contentions(run)))


def _excuse(run: Run) -> str:
    """Why ages over their limits may be the machine's doing."""
    slack, causes = _slack(run), []
    if slack.stall_ns:
        causes.append(f"the host stood still for up to {format_ns(slack.stall_ns)}")
    if slack.contended:
        causes.append(f"other processes used up to {max(contentions(run).values()):.0%} of the machine")
    return f"{' and '.join(causes)}, so ages over the limits by no more than that adds prove nothing"


def _ages(
    quotes: pd.DataFrame, index_limit_ns: int, surface_limit_ns: int, slack: _Slack, violations: Violations
) -> None:
    option = quotes["strike"].notna().to_numpy()
    for column, limit, where in (
        ("index_age_ns", index_limit_ns, np.ones(len(quotes), dtype=np.bool_)),
        ("surface_age_ns", surface_limit_ns, option),
    ):
        ages = quotes[column].to_numpy()
        old = where & (ages > limit + slack.of(quotes["published_ns"].to_numpy(), ages))
        worst = quotes[old].sort_values(column, ascending=False)
        for row in worst.to_dict("records"):
            violations.add(
                f"{row['provider']} quotes {row['instrument']} on an input that is {format_ns(row[column])} old "
                f"({column.removesuffix('_age_ns')}; limit {format_ns(limit)})",
                at_ns=int(row["published_ns"]),
                rows=(f"quotes:{row['provider']}:{row['instrument']}:{row['source_sequence']}",),
            )


def _journalled(marks: pd.DataFrame, limit_ns: int, violations: Violations) -> list[str]:
    """The ages that marks were journalled with; what to say of marks that came without one."""
    age = marks["input_age_ns"].to_numpy(dtype="int64", na_value=0)
    for row in marks[age > limit_ns].drop_duplicates("index").to_dict("records"):
        violations.add(
            f"the marks of entry {row['index']} rest on inputs {format_ns(row['input_age_ns'])} old "
            f"(limit {format_ns(limit_ns)})",
            rows=(f"marks:{row['node']}:{row['index']}",),
        )
    ageless = int(marks["input_age_ns"].isna().sum())
    return (
        [f"{counted(ageless, 'mark')} in the journal don't tell the age of their inputs"] if ageless else []
    )


def _after_takeover(quotes: pd.DataFrame, takeover: Takeover, slack_ns: int, violations: Violations) -> str:
    """The first marks of an epoch rest on inputs that all came after the takeover, or at most `slack_ns` before.

    What is missing to judge that; empty when nothing is.
    """
    if takeover.at_ns is None or takeover.provider is None:
        return f"nobody told who leads epoch {takeover.epoch} since when"
    if takeover.after["source_sequence"].isna().any():
        return f"the first marks of epoch {takeover.epoch} name no source sequence"
    own = quotes[(quotes["provider"] == takeover.provider).fillna(value=False)]
    for sequence in takeover.after["source_sequence"].unique():
        used = own[own["source_sequence"] == int(sequence)]
        if used.empty:
            return (
                f"the first marks of epoch {takeover.epoch} rest on source sequence {sequence}, of which no quote of "
                f"{takeover.provider} was recorded"
            )
        _inputs_since(used, takeover, takeover.at_ns - slack_ns, violations)
    return ""


def _inputs_since(used: pd.DataFrame, takeover: Takeover, since_ns: int, violations: Violations) -> None:
    born = (used["published_ns"] - oldest_input_ns(used)).to_numpy()
    oldest = used.iloc[int(np.argmin(born))]
    if int(born.min()) < since_ns - _TOLD_AFTER_NS:
        early_ns = (takeover.at_ns or 0) - int(born.min())
        violations.add(
            f"the first mark of {oldest['instrument']} in epoch {takeover.epoch} rests on an input that came "
            f"{format_ns(early_ns)} before {takeover.provider} took over",
            at_ns=takeover.at_ns,
            rows=(f"quotes:{oldest['provider']}:{oldest['instrument']}:{oldest['source_sequence']}",),
        )


P11 = Predicate(
    "P11",
    "freshness",
    "No mark rests on inputs older than the limit; after a takeover each input has a tick newer than the takeover first.",
    ("quotes", "marks", "entries", "replicas"),
    judge,
)
