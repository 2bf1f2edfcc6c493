"""O10: any two replicas agree up to the smaller commit index."""

from __future__ import annotations

import numpy as np

from harness.checks.grouping import first_of_group, ordered
from harness.checks.integrity.evidence import entry_row
from harness.checks.integrity.readings import readings
from harness.checks.predicate import Found, Predicate, Violations
from harness.checks.view import View
from harness.model.verdicts import Evidence

_CONTENT = ("account", "client_order_id", "side", "type", "hash", "instrument")


def judge(view: View) -> Found:
    """At each committed index the same entry (hash, epoch and content) in every reading, and no hole in any log."""
    violations = Violations()
    committed = np.flatnonzero(view.flags("entries", "committed"))
    index = view.ints("entries", "index")[committed]
    rows = committed[np.argsort(index, kind="stable")]
    index = view.ints("entries", "index")[rows]
    same = index[1:] == index[:-1]
    differs = np.zeros(len(same), dtype=np.bool_)
    for column in (
        *(view.codes("entries", name)[rows] for name in _CONTENT),
        view.ints("entries", "epoch")[rows],
    ):
        differs |= column[1:] != column[:-1]
    for name in ("quantity", "price"):
        values = view.ints("entries", name)[rows]
        differs |= values[1:] != values[:-1]
    forks = np.flatnonzero(same & differs)
    distinct = forks[first_of_group(index[forks])] if len(forks) else forks
    violations.extend(len(distinct), (_fork(view, int(rows[at]), int(rows[at + 1])) for at in distinct))
    _holes(view, violations)
    return violations.found(len(rows), unknown=_not_compared(view))


def _not_compared(view: View) -> str:
    """What no other log can be held against: logs are compared from the first entry that both still have.

    Hashes chain over all entries before, so a log that was shortened is compared whole where it meets one that was not.
    """
    if len(np.unique(view.codes("entries", "node"))) < 2:
        return "only one replica was read: there is nothing to compare it with"
    every = readings(view)
    whole = max((one.commit_index for one in every if one.first_index <= 1), default=0)
    gone = {
        one.node: one.first_index - 1
        for one in every
        if one.first_index > 1 and one.first_index > min(whole, one.commit_index)
    }
    told = ", ".join(f"of {node} up to entry {last}" for node, last in gone.items())
    return f"a snapshot stands for the log {told}: what it stands for was not compared" if gone else ""


def _fork(view: View, one: int, other: int) -> Evidence:
    frame = view.run.entries
    index = frame["index"].iloc[one]
    told = [
        f"{frame['node'].iloc[row]} has {frame['type'].iloc[row]} of epoch {frame['epoch'].iloc[row]} "
        f"({frame['hash'].iloc[row]})"
        for row in (one, other)
    ]
    return Evidence(
        f"committed entry {index} differs: {told[0]}, {told[1]}",
        None,
        (entry_row(view, one), entry_row(view, other)),
    )


def _holes(view: View, violations: Violations) -> None:
    """Each reading's log goes from its first index to its last without a hole or a repeat."""
    reading, index = view.reading("entries"), view.ints("entries", "index")
    order = ordered(reading, index)
    same = reading[order][1:] == reading[order][:-1]
    broken = same & (np.diff(index[order]) != 1)
    for at in np.flatnonzero(broken):
        before, after = (int(index[order[at + step]]) for step in (0, 1))
        violations.add(
            f"the log of {view.reading_name(int(reading[order[at]]))} goes from entry {before} to {after}",
            rows=(entry_row(view, int(order[at])), entry_row(view, int(order[at + 1]))),
        )
    for one in readings(view):
        here = index[reading == one.code]
        last = int(here.max(initial=one.first_index - 1))
        if last < one.commit_index:
            violations.add(
                f"{one.node} (reading {one.read}) says that {one.commit_index} is committed, but its log ends at {last}"
            )


O10 = Predicate(
    "O10",
    "log prefix",
    "Any two replicas agree up to the smaller commit index: the same entries, the same hash chain, no hole.",
    ("entries", "replicas"),
    judge,
)
