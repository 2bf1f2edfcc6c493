"""Services freeze, with all their threads and open connections, and go on later as if nothing had been."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final, NamedTuple

import psutil

from harness.faults.contract import Fact
from harness.model.errors import HarnessError, HealFailed, StackUnhealthy
from harness.model.span import Span
from harness.model.undo import SignalProcess, Undo
from harness.platforms.children import Child, Children
from harness.platforms.holds import Holds
from harness.platforms.killing import span
from harness.platforms.last_look import LastLook

_WATCHED_S: Final = 0.1


class Seen(NamedTuple):
    """A process at one moment: its state, in psutil's words, and the processor time that it has used."""

    state: str
    used_s: float
    at_ns: int


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
        self._look = LastLook(self._now)

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
        self._look.again()
        return span(self._stopped.values())

    def facts(self) -> list[Fact]:
        """Whether each process is stopped and uses no processor time."""
        before = self._now()
        after = self._look.after(_WATCHED_S)
        if after is None:
            return []
        return [_fact(child, before[service], after[service]) for service, child in self._stopped.items()]

    def revert(self) -> Span:
        self._look.before_lift()
        let_go = self._frozen.let_go(self._services, self)
        try:
            thawed = self._children.thaw(let_go)
        except HarnessError as error:
            raise HealFailed(f"{', '.join(let_go)}: not thawed: {error}") from error
        return span(thawed.values())

    def _now(self) -> dict[str, Seen]:
        return {service: _see(child.pid) for service, child in self._stopped.items()}


def _fact(child: Child, before: Seen, after: Seen) -> Fact:
    name = f"process {child.pid}"
    if after.state != psutil.STATUS_STOPPED:
        return Fact(child.service, "victim", f"{name} is {after.state}, not stopped", convincing=False)
    used_ms = (after.used_s - before.used_s) * 1000
    watched_ms = (after.at_ns - before.at_ns) / 1e6
    return Fact(
        child.service,
        "victim",
        f"{name} is stopped, and used {used_ms:g} ms of processor time in {watched_ms:.0f} ms",
        convincing=used_ms == 0,
        asked=0.0,
        measured=used_ms,
        unit="ms",
    )


def _see(pid: int) -> Seen:
    now_ns = time.monotonic_ns()
    try:
        process = psutil.Process(pid)
        times = process.cpu_times()
        return Seen(process.status(), float(times.user + times.system), now_ns)
    except psutil.Error:
        return Seen("gone", 0.0, now_ns)
