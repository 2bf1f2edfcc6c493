"""When a replica takes a snapshot of its own. Replicas take turns, so that not all of them write one at once."""

from __future__ import annotations

from trading_stack.journal.core import Core
from trading_stack.journal.events import SnapshotTaken, TakeSnapshot
from trading_stack.journal.snapshots import Snapshot


class Taking:
    """Asks for one snapshot at a time. One that could not be taken is asked for again after as many entries."""

    def __init__(self, core: Core) -> None:
        self._core = core
        nodes = sorted([core.config.node, *core.config.peers])
        self._turn = nodes.index(core.config.node) * core.config.snapshot_every // len(nodes)
        self._tried = core.log.base.index
        self._under_way = False

    def consider(self) -> None:
        """Ask for a snapshot when one is due: at every so many entries, or when the log takes too much memory."""
        core = self._core
        if core.commit_index <= self._tried or self._under_way or not self._due():
            return
        self._under_way, self._tried = True, core.commit_index
        entries = core.log.slice(core.log.base.index + 1, core.commit_index)
        core.effects.append(TakeSnapshot(core.snapshot, entries))

    def _due(self) -> bool:
        core, log, config = self._core, self._core.log, self._core.config
        every, index = config.snapshot_every, core.commit_index
        last = max(self._tried, log.base.index)
        if index <= last:
            return False
        due = (index + self._turn) // every > (last + self._turn) // every
        return due or (log.size_bytes > config.snapshot_bytes and index - last >= every // 20)

    def on_taken(self, event: SnapshotTaken) -> None:
        core = self._core
        self._under_way = False
        if event.data is not None and event.index > core.log.base.index:
            core.keep_snapshot(Snapshot.of(core.log.base_at(event.index), event.data))
