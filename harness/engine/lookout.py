"""What watches a stack under load: who follows what its services say, and who looks at the host meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from queue import SimpleQueue
from typing import Final

from harness.engine.contention import ContentionWatch
from harness.engine.leader import Leader
from harness.engine.record import Record
from harness.engine.stall import StallWatch
from harness.model import events as e
from harness.model.stack_event import StackEvent
from harness.observe.plan import Endpoint, Finished, ObserverPlan, Saw
from harness.observe.session import ObserverSession

WATCHING_WITHIN_S: Final = 10.0
LEADER_WITHIN_S: Final = 2.0
_LOOK_AGAIN_S: Final = 0.005


class Lookout:
    """Tells the record what it sees, and whoever waits for it: `inbox` gets each event of the stack, as it is read.

    `leader` is who leads, as far as the services have said.
    """

    def __init__(self, record: Record) -> None:
        """Nothing is watched yet."""
        self.leader = Leader()
        self.inbox: SimpleQueue[StackEvent | None] = SimpleQueue()
        self._record = record
        self._observer: ObserverSession | None = None
        self._stalls: StallWatch | None = None
        self._contention: ContentionWatch | None = None

    def follow(self, plan: ObserverPlan) -> int:
        """Start to follow the services' output, in a process of its own; answers its process id."""
        self._observer = ObserverSession(plan, on_event=self._saw)
        return self._observer.pid

    def poll_quotes(self, pricing: Sequence[Endpoint]) -> None:
        """Wait until the output is followed, and read the quotes of these services from then on. Raises `AdapterError`."""
        assert self._observer is not None
        self._observer.wait_watching(timeout_s=WATCHING_WITHIN_S)
        self._observer.poll_quotes(pricing)

    def await_leader(self) -> None:
        """Wait a moment for the word of a ready stack's leader, which is on its way through the observer."""
        until = time.monotonic() + LEADER_WITHIN_S
        while self.leader.service is None and time.monotonic() < until:
            time.sleep(_LOOK_AGAIN_S)

    def watch_host(self, pids: Callable[[], Mapping[str, int]]) -> None:
        """Watch whether the host stands still, or serves strangers; `pids` answers the stack's own processes."""
        self._stalls = StallWatch(lambda: _cpu_ns(pids()), self._stalled)
        self._stalls.start()
        self._contention = ContentionWatch(self._contended)
        self._contention.start()

    def finish(self) -> Finished:
        """Read all that is left of the output and the quotes; what failed is in `missing`."""
        assert self._observer is not None
        return self._observer.finish()

    def stop(self) -> None:
        """End all watching now. Safe to call twice, and at any moment; each is ended, whatever became of the others."""
        with ExitStack() as steps:  # they run from the last to the first
            if self._observer is not None:
                steps.callback(self._observer.kill)
            if self._stalls is not None:
                steps.callback(self._stalls.stop)
            if self._contention is not None:
                steps.callback(self._contention.stop)

    def _saw(self, saw: Saw) -> None:
        event, origin_ns = saw.event, self._record.origin_ns
        self.leader = self.leader.after(event)
        self._record.emit(
            e.StackSaid(at_ns=event.mono_ns - origin_ns, seen_ns=saw.seen_ns - origin_ns, event=event)
        )
        self.inbox.put(event)

    def _stalled(self, mono_ns: int, stall_ns: int, stack_cpu_ns: int) -> None:
        at_ns = mono_ns - self._record.origin_ns
        self._record.emit(e.HostStalled(at_ns=at_ns, stall_ns=stall_ns, stack_cpu_ns=stack_cpu_ns))

    def _contended(self, share: float) -> None:
        self._record.emit(e.HostContended(at_ns=self._record.now(), share=round(share, 3)))


def _cpu_ns(pids: Mapping[str, int]) -> int:
    """The processor time that these processes have used so far, in nanoseconds; one that has ended counts nothing."""
    import psutil

    total = 0.0
    for pid in pids.values():
        try:
            times = psutil.Process(pid).cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return round(total * 1e9)
