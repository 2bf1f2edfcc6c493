"""What leaders said they committed, against the log that stands in the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from harness.checks.integrity.readings import Reading
from harness.checks.predicate import Violations
from harness.checks.view import Ints, View
from harness.history.run import Run
from harness.model.stack_event import Moment
from harness.model.units import counted

_SETTLED_NS: Final = 1_000_000_000
"""A commit told less than this before the last reading may not have reached the replica that was read yet."""


def of_kind(leadership: pd.DataFrame, *kinds: Moment) -> pd.DataFrame:
    """The rows of the table `leadership` of some kinds that carry an epoch."""
    wanted = [str(kind) for kind in kinds]
    return leadership[leadership["kind"].isin(wanted).fillna(value=False) & leadership["epoch"].notna()]


def told_commits(run: Run) -> pd.DataFrame:
    """The commits that leaders told, by time, as rows of the table `leadership`."""
    commits = of_kind(run.leadership, Moment.ENTRIES_COMMITTED)
    return commits[commits["last_index"].notna()]


def committed_epochs(view: View, source: Reading) -> Ints:
    """The epoch of each committed entry of one reading, at the place of its index: `commit_index + 1` elements.

    -1 where the reading has no such entry.
    """
    index = view.ints("entries", "index")
    rows = np.flatnonzero((view.reading("entries") == source.code) & (index <= source.commit_index))
    epochs = np.full(source.commit_index + 1, -1, dtype=np.int64)
    epochs[index[rows]] = view.ints("entries", "epoch")[rows]
    return epochs


def standing_epochs(view: View, every: Sequence[Reading], source: Reading) -> Ints:
    """As `committed_epochs` of the source, with what only logs of others still hold: -1 is what no log holds."""
    epochs = committed_epochs(view, source)
    for reading in every:
        others = committed_epochs(view, reading)[: len(epochs)]
        gap = np.flatnonzero(epochs[: len(others)] < 0)
        epochs[gap] = others[gap]
    return epochs


@dataclass(frozen=True, slots=True)
class Older:
    """Commits that are older than every log: nothing kept shows whose entry stands there. `doubted` are those of them that
    were told after a majority had sealed a higher epoch, under which the same entries were committed.
    """

    count: int
    doubted: int

    def note(self) -> str:
        return f"{counted(self.count, 'commit')} older than every log left out" if self.count else ""

    def unknown(self, judged: int) -> str:
        """Why nothing can be said; empty when something can. `judged` is how much else was."""
        if self.doubted:
            return (
                f"{counted(self.doubted, 'commit')} older than every log: told after a majority had sealed a higher epoch, "
                "under which the same entries were committed"
            )
        return f"{counted(self.count, 'commit')} older than every log" if self.count and not judged else ""


def one_leader(leadership: pd.DataFrame, violations: Violations) -> None:
    """Add the epochs in which more than one service was promoted or committed."""
    said = of_kind(leadership, Moment.PRIMARY_PROMOTED, Moment.ENTRIES_COMMITTED)
    for epoch, services in said.groupby("epoch")["service"]:
        names = sorted(set(services.dropna()))
        if len(names) > 1:
            first = said[(said["epoch"] == epoch) & (said["service"] == names[1])].iloc[0]
            violations.add(
                f"epoch {epoch} has {len(names)} leaders: {', '.join(names)}", at_ns=int(first["at_ns"])
            )


def replaced_commits(
    commits: pd.DataFrame, leadership: pd.DataFrame, source: Reading, epochs: Ints, violations: Violations
) -> Older:
    """Add the commits that the log does not keep: what a leader committed is there for ever, under its own epoch.

    `epochs` is as `standing_epochs` makes it. Answers the commits that could not be compared.

    A commit that a sealed majority carried over keeps its epoch, so that an answer that was slow to arrive is no fault. An
    entry of an earlier epoch is committed with a later one of the leader's own, never by being on a majority alone (Raft,
    figure 8): only the last entry of a commit must be of its epoch.
    """
    epoch, last = (commits[name].to_numpy(dtype=np.int64) for name in ("epoch", "last_index"))
    settled = commits["at_ns"].to_numpy() <= source.read_ns - _SETTLED_NS
    stands = epochs[np.clip(last, 0, len(epochs) - 1)]
    gone = settled & (last >= len(epochs))
    another = (last < len(epochs)) & (stands >= 0) & (stands != epoch)
    for at in np.flatnonzero(gone | another):
        row = commits.iloc[int(at)]
        text = f"{row['service']} committed up to entry {last[at]} under epoch {epoch[at]}"
        text += (
            "; the log ends before it" if gone[at] else f", where the log has an entry of epoch {stands[at]}"
        )
        place = f"entries:{source.node}#{source.read}:{min(int(last[at]), len(epochs) - 1)}"
        violations.add(text + _sealed_before(leadership, row), at_ns=int(row["at_ns"]), rows=(place,))
    older = (last < len(epochs)) & (stands < 0)
    return _compare_older(commits[older], commits, leadership, epochs, violations)


def _compare_older(
    older: pd.DataFrame, commits: pd.DataFrame, leadership: pd.DataFrame, epochs: Ints, violations: Violations
) -> Older:
    """Hold commits that no log reaches against those of other epochs, and against the oldest entry that a log holds.

    Epochs never fall along a log. So what a lower epoch committed ends before what a higher one did, and where a log has an
    entry of an epoch, all that its leader committed before stands below it.
    """
    kept = np.flatnonzero(epochs >= 0)
    oldest = int(epochs[kept[0]]) if len(kept) else None
    held = set(np.unique(epochs[kept]).tolist())
    sealed = of_kind(leadership, Moment.LOG_SEALED)
    count = doubted = 0
    for key, rows in older.groupby("epoch"):
        epoch = int(str(key))
        higher = commits[commits["epoch"] > epoch]
        behind = rows["last_index"] >= higher["last_index"].min() if len(higher) else rows["last_index"] < 0
        wrong = rows if oldest is not None and epoch > oldest else rows[behind]
        for row in wrong.to_dict("records"):
            text = f"{row['service']} committed up to entry {row['last_index']} under epoch {epoch}"
            why = (
                "a later epoch's leader committed no further"
                if len(higher)
                else "a log has a lower epoch above it"
            )
            violations.add(f"{text}, and {why}", at_ns=int(row["at_ns"]))
        if len(wrong) < len(rows) and epoch not in held:
            rest = rows.drop(wrong.index)
            count += len(rest)
            after_ns = sealed.loc[sealed["epoch"] > epoch, "at_ns"].min()
            again = (
                rest["last_index"] >= higher["first_index"].min() if len(higher) else rest["last_index"] < 0
            )
            doubted += int((again & (rest["at_ns"] > after_ns)).sum())
    return Older(count, doubted)


def overlapping(commits: pd.DataFrame, epochs: Ints, violations: Violations) -> None:
    """Add the commits that a leader told after a later one's first, where the log has the later one's entries.

    `epochs` is as `committed_epochs` makes it.
    """
    first_commit = commits.groupby("epoch")["at_ns"].min()
    for epoch, at_ns in first_commit.items():
        own = np.flatnonzero(epochs == int(str(epoch)))
        if not len(own):
            continue
        older = commits[
            (commits["epoch"] < epoch) & (commits["at_ns"] > at_ns) & (commits["last_index"] >= int(own[0]))
        ]
        for row in older.to_dict("records"):
            violations.add(
                f"{row['service']} still committed under epoch {row['epoch']}, up to entry {row['last_index']}, "
                f"when epoch {epoch} had begun at entry {own[0]}",
                at_ns=int(row["at_ns"]),
            )


def _sealed_before(leadership: pd.DataFrame, commit: pd.Series) -> str:
    """Whether a majority had sealed a higher epoch when the commit was told."""
    sealed = of_kind(leadership, Moment.LOG_SEALED)
    higher = sealed[(sealed["epoch"] > commit["epoch"]) & (sealed["at_ns"] <= commit["at_ns"])]
    return "" if higher.empty else f"; a majority had sealed epoch {higher['epoch'].iloc[0]} before"
