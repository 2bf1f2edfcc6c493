"""Services die at once, and are started again as they were started first."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from harness.faults.contract import Fact
from harness.model.errors import HarnessError, HealFailed, StackUnhealthy
from harness.model.span import Span
from harness.model.undo import Undo
from harness.platforms.children import Child, Children
from harness.platforms.holds import Holds
from harness.platforms.order import Order
from harness.platforms.sockets import LISTEN, NoSockDiag, SockDiag

_GONE_WITHIN_S = 1.0


class Killing:
    """`SIGKILL` to each service's process group; a service that another change keeps down stays down."""

    def __init__(
        self,
        orders: Sequence[Order],
        *,
        children: Children,
        down: Holds,
        ports: Mapping[str, tuple[int, ...]],
        restart: Callable[[Sequence[Order]], dict[str, Child]],
    ) -> None:
        """`ports` are those each service listens on; `restart` starts services and puts them under the stack's lease."""
        self._orders = {order.service: order for order in orders}
        self._children = children
        self._down = down
        self._ports = ports
        self._restart = restart
        self._killed: dict[str, Child] = {}
        self._reverted = False

    @property
    def subjects(self) -> tuple[str, ...]:
        return tuple(self._orders)

    @property
    def undo(self) -> tuple[Undo, ...]:
        return tuple(order.undo() for order in self._orders.values())

    def apply(self) -> Span:
        """Kill, and wait until they are dead. Raises `StackUnhealthy` if none of them was alive."""
        self._down.take(self._orders, self)
        self._killed = self._children.kill(self._orders)
        if not self._killed:
            raise StackUnhealthy(f"none of {', '.join(self._orders)} was running: there was nothing to kill")
        return span(self._killed.values())

    def facts(self) -> list[Fact]:
        """Whether each process is gone, and nobody listens where it did."""
        listening = frozenset() if self._reverted else _listening()
        return [self._fact(service, child, listening) for service, child in self._killed.items()]

    def revert(self) -> Span:
        self._reverted = True
        let_go = self._down.let_go(self._orders, self)
        todo = [self._orders[service] for service in let_go if not self._children.runs(service)]
        try:
            started = self._restart(todo)
        except (HarnessError, OSError) as error:
            raise HealFailed(
                f"{', '.join(order.service for order in todo)}: not started again: {error}"
            ) from error
        return span(started.values())

    def _fact(self, service: str, child: Child, listening: frozenset[int]) -> Fact:
        gone = not _exists(child.pid)
        open_ports = sorted(set(self._ports[service]) & listening)
        if not gone:
            return Fact(service, "victim", f"process {child.pid} still exists", convincing=False)
        if open_ports:
            told = f"process {child.pid} is gone, but somebody listens on {open_ports}"
            return Fact(service, "victim", told, convincing=False)
        closed = "" if self._reverted else ", and its ports are closed"
        return Fact(service, "victim", f"process {child.pid} is gone{closed}", convincing=True)


def span(children: Iterable[Child]) -> Span:
    """From the first to the last time at which children came into their state; now, if there are none."""
    times = [child.at_ns for child in children] or [time.monotonic_ns()]
    return Span(min(times), max(times))


def _exists(pid: int) -> bool:
    # The nursery buries what has died; between death and burial a process is a zombie for an instant.
    until = time.monotonic() + _GONE_WITHIN_S
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.005)
    return True


def _listening() -> frozenset[int]:
    try:
        with SockDiag() as diag:
            return frozenset(found.local_port for found in diag.table() if found.state == LISTEN)
    except NoSockDiag:
        return frozenset()
