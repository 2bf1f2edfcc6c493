"""Services freeze, with all their threads and open connections, and go on later as if nothing had been."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import psutil

from harness.faults.contract import Fact, Span
from harness.model.errors import HarnessError, HealFailed, StackUnhealthy
from harness.model.undo import SignalProcess, Undo
from harness.platforms.children import Child, Children
from harness.platforms.holds import Holds
from harness.platforms.killing import span

_WATCHED_S: Final = 0.1


class Pausing:
    """`SIGSTOP` to each service's process group; a service that another change keeps frozen stays frozen."""

    def __init__(self, services: Sequence[str], *, children: Children, frozen: Holds) -> None:
        self._services = tuple(services)
        self._children = children
        self._frozen = frozen
        known = children.all
        self._undo = tuple(
            SignalProcess(known[service].pid, known[service].create_time, "SIGCONT", service)
            for service in self._services
            if children.runs(service)
        )
        self._stopped: dict[str, Child] = {}

    @property
    def subjects(self) -> tuple[str, ...]:
        return self._services

    @property
    def undo(self) -> tuple[Undo, ...]:
        return self._undo

    def apply(self) -> Span:
        """Freeze, and wait until they stand still. Raises `StackUnhealthy` if none of them was running."""
        self._frozen.take(self._services, self)
        self._stopped = self._children.freeze(self._services)
        if not self._stopped:
            raise StackUnhealthy(
                f"none of {', '.join(self._services)} was running: there was nothing to freeze"
            )
        return span(self._stopped.values())

    def facts(self) -> list[Fact]:
        """Whether each process is stopped and uses no processor time."""
        before = {service: _used_s(child) for service, child in self._stopped.items()}
        time.sleep(_WATCHED_S)
        return [self._fact(child, before[service]) for service, child in self._stopped.items()]

    def revert(self) -> Span:
        let_go = self._frozen.let_go(self._services, self)
        try:
            thawed = self._children.thaw(let_go)
        except HarnessError as error:
            raise HealFailed(f"{', '.join(let_go)}: not thawed: {error}") from error
        return span(thawed.values())

    def _fact(self, child: Child, before_s: float | None) -> Fact:
        try:
            state = psutil.Process(child.pid).status()
        except psutil.Error:
            return Fact(child.service, "victim", f"process {child.pid} is gone", convincing=False)
        after_s = _used_s(child)
        if state != psutil.STATUS_STOPPED or before_s is None or after_s is None:
            return Fact(
                child.service, "victim", f"process {child.pid} is {state}, not stopped", convincing=False
            )
        used_ms = (after_s - before_s) * 1000
        return Fact(
            child.service,
            "victim",
            f"process {child.pid} is stopped and used no processor time for {_WATCHED_S * 1000:g} ms",
            convincing=used_ms == 0,
            asked=0.0,
            measured=used_ms,
            unit="ms",
        )


def _used_s(child: Child) -> float | None:
    try:
        times = psutil.Process(child.pid).cpu_times()
    except psutil.Error:
        return None
    return float(times.user + times.system)
