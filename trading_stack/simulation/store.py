"""What one engine writes to its disk in virtual time: one transaction at a time takes all that waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trading_stack.defects import LOST_FSYNC_NS, Defect
from trading_stack.journal import events as j
from trading_stack.simulation.disk import FSYNC_LEAST_NS, FSYNC_SPREAD_NS

if TYPE_CHECKING:
    from trading_stack.simulation.engine import EngineNode


class NodeStore:
    """The store of an engine through all its lives; the disk itself is the world's. `synced_ns`: the last fsync."""

    def __init__(self, node: EngineNode) -> None:
        self.synced_ns = 0
        self._node = node
        self._queue: list[j.Persist] = []
        self._batch: list[j.Persist] = []
        self._failed = False
        self._held = False

    def begin(self) -> None:
        """A new life, in which nothing is under way."""
        self._queue, self._batch = [], []
        self._failed = self._held = False
        self.synced_ns = self._node.now_ns()

    def crash(self) -> None:
        """A transaction under way is done or not."""
        world = self._node.world
        if self._batch and world.draws.chance(0.5):
            self._carry_out(self._batch)
            world.disks[self._node.name].sync()
        self._batch = []

    def thaw(self) -> None:
        """Finish what the disk has done meanwhile."""
        if self._held:
            self._held = False
            self._finish(self._node.life, None)

    def write(self, persist: j.Persist) -> None:
        """Queue one write. Once one has failed nothing more is written."""
        if self._failed:
            return
        self._queue.append(persist)
        if not self._batch:
            self._start()

    def _start(self) -> None:
        node, world = self._node, self._node.world
        disk = world.disks[node.name]
        self._batch, self._queue = self._queue, []
        takes_ns = FSYNC_LEAST_NS + world.draws.below(FSYNC_SPREAD_NS) + disk.slow_ns
        if Defect.LOST_FSYNC in world.defects:
            world.at(world.now_ns, node.on_stored, node.life, j.Persisted(self._batch[-1].ticket))
            takes_ns = LOST_FSYNC_NS
        world.at(world.now_ns + takes_ns, self._finish, node.life, None)

    def _finish(self, life: int, _: None) -> None:
        node, world = self._node, self._node.world
        if life != node.life:
            return
        if node.frozen:
            self._held = True
            return
        disk, batch = world.disks[node.name], self._batch
        self._batch = []
        if disk.full:
            self._failed = True
            self._queue.clear()
            node.tell(j.PersistFailed("disk is full"))
            return
        outcomes = self._carry_out(batch)
        if Defect.LOST_FSYNC in world.defects:
            outcomes = []
        else:
            disk.sync()
        self.synced_ns = node.now_ns()
        world.judge.check_recoverable()
        if self._queue:
            self._start()
        for outcome in outcomes:
            node.tell(outcome)

    def _carry_out(self, batch: list[j.Persist]) -> list[j.Event]:
        node, judge = self._node, self._node.world.judge
        disk, outcomes = node.world.disks[node.name], list[j.Event]()
        for persist in batch:
            if persist.promise is not None:
                before = disk.written.promise.epoch
                judge.on_promise(node.name, before, persist.promise.epoch)
            refused = disk.write(persist)
            if refused is not None:
                outcomes.append(refused)
        return [*outcomes, j.Persisted(batch[-1].ticket)]
