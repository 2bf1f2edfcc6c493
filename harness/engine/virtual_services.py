"""The services of a stack in virtual time: started, and waited for."""

from __future__ import annotations

from collections.abc import Collection

from harness.engine.record import Record
from harness.model import events as e
from harness.model.errors import StackUnhealthy
from harness.platforms.sim.world import World


class VirtualServices:
    """Tells the record when services start, when they are ready, and when they end by themselves."""

    def __init__(self, world: World, record: Record, *, may_exit: Collection[str] = ()) -> None:
        """`may_exit` are services and roles that may end by themselves."""
        self._world = world
        self._may_exit = may_exit
        self._record = record
        self._within_s = world.stack.ready_within_s

    def start(self) -> None:
        """Start all, and wait; raises `StackUnhealthy` with what is not ready."""
        for service in self._world.stack.services:
            self._record.emit(
                e.ServiceStarted(
                    at_ns=self._record.now(),
                    service=service.name,
                    provider=service.provider,
                    role=service.role,
                    pid=None,
                )
            )
        self._world.begin()
        if not self._ready():
            told = "; ".join(f"{service}: {why}" for service, why in sorted(self._world.unready().items()))
            raise StackUnhealthy(f"not ready after {self._within_s:g} s of virtual time: {told}")
        for service in self._world.stack.services:
            self._record.emit(e.ServiceReady(at_ns=self._record.now(), service=service.name))

    def await_again(self) -> None:
        """Wait until all are ready again; tells which were not in time."""
        if self._ready():
            return
        self._record.emit(
            e.PhaseTimedOut(
                at_ns=self._record.now(),
                phase="ready again",
                limit_ns=round(self._within_s * 1e9),
                last_lines={name: (why,) for name, why in self._world.unready().items()},
            )
        )

    def look_around(self) -> None:
        """Tell of services that ended by themselves since the last look."""
        ended, self._world.exits = self._world.exits, []
        for exit_ in ended:
            at_ns = exit_.at_ns - self._record.origin_ns
            self._record.emit(
                e.ServiceExited(
                    at_ns=at_ns, service=exit_.service, expected=self._allowed(exit_.service), code=1
                )
            )

    def _allowed(self, service: str) -> bool:
        return service in self._may_exit or self._world.stack.service(service).role in self._may_exit

    def _ready(self) -> bool:
        world = self._world
        return world.agenda.wait_for(lambda: not world.unready(), within_ns=round(self._within_s * 1e9))
