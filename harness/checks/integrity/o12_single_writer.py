"""O12: a single writer: epochs never fall, one leader an epoch, and nothing commits under an epoch that was sealed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from harness.checks.grouping import ordered
from harness.checks.integrity.commits import (
    of_kind,
    one_leader,
    replaced_commits,
    standing_epochs,
    told_commits,
)
from harness.checks.integrity.evidence import entry_row, of_operation
from harness.checks.integrity.readings import Reading, readings
from harness.checks.predicate import Found, Predicate, Violations
from harness.checks.view import MISSING, Ints, View
from harness.model.stack_event import Moment


def judge(view: View) -> Found:
    """The epochs of the logs, the promises, what leaders committed, and the epochs in clients' answers."""
    violations = Violations()
    every = readings(view)
    source = max(every, key=lambda reading: (reading.commit_index, reading.read_ns))
    epochs = standing_epochs(view, every, source)
    leadership = view.run.leadership
    _logs(view, violations)
    _promises(view, every, leadership, violations)
    one_leader(leadership, violations)
    commits = told_commits(view.run)
    older = replaced_commits(commits, leadership, source, epochs, violations)
    compared = len(commits) - older.count
    judged = view.length("entries") + compared + _answers(view, source, epochs, violations)
    unknown = "" if len(commits) else "the stack does not tell what its leaders commit (entries_committed)"
    return violations.found(judged, unknown=unknown or older.unknown(compared), note=older.note())


def _logs(view: View, violations: Violations) -> None:
    """Epochs never fall along a log."""
    reading, index, epoch = (
        view.reading("entries"),
        view.ints("entries", "index"),
        view.ints("entries", "epoch"),
    )
    order = ordered(reading, index)
    fell = (reading[order][1:] == reading[order][:-1]) & (epoch[order][1:] < epoch[order][:-1])
    for at in np.flatnonzero(fell):
        before, after = int(order[at]), int(order[at + 1])
        violations.add(
            f"in the log of {view.reading_name(int(reading[after]))} epoch {epoch[after]} follows epoch {epoch[before]} "
            f"at entry {index[after]}",
            rows=(entry_row(view, before), entry_row(view, after)),
        )


def _promises(
    view: View, every: tuple[Reading, ...], leadership: pd.DataFrame, violations: Violations
) -> None:
    """A replica's promise covers its log, and is never forgotten."""
    replicas = view.run.replicas
    rows = zip(
        every,
        *(replicas.sort_values(["node", "read"])[name] for name in ("provider", "promised_epoch")),
        strict=True,
    )
    made = of_kind(leadership, Moment.PROMISE_MADE)
    log_reading, log_epoch = view.reading("entries"), view.ints("entries", "epoch")
    for reading, provider, promised in rows:
        highest = int(log_epoch[log_reading == reading.code].max(initial=0))
        if promised < highest:
            violations.add(
                f"{reading.node} (reading {reading.read}) promised epoch {promised}, yet its log has epoch {highest}"
            )
        own = made[((made["service"] == reading.node) | (made["provider"] == provider)).fillna(value=False)]
        told = own.loc[own["at_ns"] <= reading.read_ns, "epoch"].max()
        if pd.notna(told) and promised < told:
            violations.add(
                f"{reading.node} (reading {reading.read}) forgot its promise of epoch {told}: it holds {promised}"
            )


def _answers(view: View, source: Reading, epochs: Ints, violations: Violations) -> int:
    """An answer's entry is in the committed log, under the epoch that the answer names."""
    sequence, epoch = view.ints("operations", "sequence"), view.ints("operations", "epoch")
    rows = np.flatnonzero(
        (sequence > 0) & (epoch != MISSING) & (epoch > 0) & view.equals("operations", "outcome", "ok")
    )
    if not len(rows):
        return 0
    stands = np.where(sequence[rows] < len(epochs), epochs[np.clip(sequence[rows], 0, len(epochs) - 1)], -2)
    compacted = (stands == -1) & (sequence[rows] < source.first_index)
    for at in np.flatnonzero((stands != epoch[rows]) & ~compacted):
        row = int(rows[at])
        there = (
            f"the log has epoch {stands[at]} there"
            if stands[at] >= 0
            else "the committed log has no such entry"
        )
        text = f"was answered from entry {sequence[row]} of epoch {epoch[row]}, but {there}"
        violations.extend(1, [of_operation(view, row, text)])
    return len(rows)


O12 = Predicate(
    "O12",
    "single writer",
    "Epochs never fall; one leader an epoch; promises are kept; nothing commits under an epoch after a majority sealed a "
    "higher one, unless its leader carried it over; no answer comes from an entry that did not commit.",
    ("entries", "replicas"),
    judge,
)
