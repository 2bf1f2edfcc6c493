"""The services of one stack as processes, seen through the nursery that is their parent.

The nursery alone signals them: it is their parent, and until it has buried one of them nobody else can have its id.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import msgspec
import psutil

from harness.model.errors import EnvironmentUnfit, StackUnhealthy
from harness.platforms.order import Order

State = Literal["running", "stopped", "exited", "failed"]
_STATES: Final[dict[str, State]] = {
    "started": "running",
    "continued": "running",
    "stopped": "stopped",
    "exited": "exited",
    "failed": "failed",
}
_OBEYED_WITHIN_S: Final = 5.0
_STARTED_WITHIN_S: Final = 30.0  # the first start waits for the preload
_ENDED_WITHIN_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Child:
    """A service's process as it was last seen; `at_ns` is when it came into its state, on the host's monotonic clock."""

    service: str
    pid: int
    create_time: float
    state: State
    at_ns: int
    code: int | None = None
    error: str = ""


class Ended(NamedTuple):
    """A service's process that ended."""

    child: Child
    expected: bool


class Children:
    """Starts, freezes, thaws and kills services, and knows how each of them is. Thread-safe."""

    def __init__(
        self, *, preload: str | None, directory: Path, environment: Mapping[str, str], log: Path
    ) -> None:
        """Start the nursery; it need not have preloaded when this returns.

        Raises:
            EnvironmentUnfit: It could not be started.
        """
        self._changed = threading.Condition()
        self._children: dict[str, Child] = {}
        self._expected: set[int] = set()
        self._ended: list[Ended] = []
        self._there = True
        self.preload_error: str | None = None
        self._sock, theirs = socket.socketpair()
        argv = [sys.executable, "-P", "-m", "harness.platforms.nursery", *([preload] if preload else [])]
        try:
            with theirs, log.open("ab") as output:
                self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                    argv,
                    stdin=theirs.fileno(),
                    stdout=output,
                    stderr=output,
                    cwd=directory,
                    env=dict(environment),
                    start_new_session=True,
                )
        except OSError as error:
            raise EnvironmentUnfit(f"the process that starts services can't be started: {error}") from error
        self._log = log
        self._sending = threading.Lock()
        self._reader = threading.Thread(target=self._listen, name="nursery", daemon=True)
        self._reader.start()

    @property
    def nursery_pid(self) -> int:
        """The process id of the nursery."""
        return self._process.pid

    @property
    def all(self) -> dict[str, Child]:
        """Every service that was ever started, as it was last seen."""
        with self._changed:
            return dict(self._children)

    def start(self, orders: Sequence[Order]) -> dict[str, Child]:
        """Start services, in this order, and wait until their processes are there; those that run are left alone.

        Raises:
            StackUnhealthy: The nursery is gone, or a process can't be started.
        """
        wanted = [order for order in orders if not self.runs(order.service)]
        before = self.all
        for order in wanted:
            self._send({"do": "start", **msgspec.structs.asdict(order)})

        def is_new(service: str) -> bool:
            return self._children.get(service) is not before.get(service)

        services = [order.service for order in wanted]
        self._wait(services, is_new, within_s=_STARTED_WITHIN_S, what="start")
        started = {order.service: self.all[order.service] for order in orders}
        for child in started.values():
            if child.state == "failed":
                raise EnvironmentUnfit(f"{child.service} can't be started: {child.error}")
        return started

    def runs(self, service: str) -> bool:
        """Whether its process is there, frozen or not."""
        with self._changed:
            child = self._children.get(service)
        return self._there and child is not None and child.state in {"running", "stopped"}

    def kill(self, services: Iterable[str]) -> dict[str, Child]:
        """Kill services, all at once, and wait until they are dead; answers those that were not dead before."""
        return self._signal("kill", services, self.runs, "exited")

    def freeze(self, services: Iterable[str]) -> dict[str, Child]:
        """Freeze services and wait until they are; answers those that ran."""
        return self._signal("stop", services, lambda service: self._is(service, "running"), "stopped")

    def thaw(self, services: Iterable[str]) -> dict[str, Child]:
        """Let frozen services go on, and wait until they do; answers those that were frozen."""
        return self._signal("continue", services, lambda service: self._is(service, "stopped"), "running")

    def ended(self) -> list[Ended]:
        """The processes that ended since the last call."""
        with self._changed:
            ended, self._ended = self._ended, []
        return ended

    def stop(self) -> None:
        """Kill everything, the nursery included, and wait. Safe to call twice."""
        with self._changed:
            self._expected.update(child.pid for child in self._children.values())
        if self._there:
            try:
                self._sock.shutdown(socket.SHUT_WR)
            except OSError:
                self._there = False
        try:
            self._process.wait(_ENDED_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(_ENDED_WITHIN_S)
        self._sock.close()

    def _is(self, service: str, state: State) -> bool:
        with self._changed:
            child = self._children.get(service)
        return self._there and child is not None and child.state == state

    def _signal(
        self, do: str, services: Iterable[str], applies: Callable[[str], bool], state: State
    ) -> dict[str, Child]:
        touched = [service for service in services if applies(service)]
        if do == "kill":
            with self._changed:
                self._expected.update(self._children[service].pid for service in touched)
        if touched:
            self._send({"do": do, "services": touched})
            reached = {state, "exited"}
            self._wait(
                touched,
                lambda service: self._children[service].state in reached,
                within_s=_OBEYED_WITHIN_S,
                what=do,
            )
        with self._changed:
            return {service: self._children[service] for service in touched}

    def _wait(
        self, services: Sequence[str], done: Callable[[str], bool], *, within_s: float, what: str
    ) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._there or all(map(done, services)), within_s)
            left = [service for service in services if not done(service)]
            there = self._there
        if not left:
            return
        cause = f"nothing was seen within {within_s:g} s" if there else "the nursery, their parent, has died"
        raise StackUnhealthy(f"{', '.join(left)}: could not be told to {what}, {cause}")

    def _send(self, what: dict[str, Any]) -> None:
        with self._sending:
            try:
                self._sock.sendall(json.dumps(what).encode() + b"\n")
            except OSError as error:
                raise StackUnhealthy(
                    f"the nursery, the parent of all services, has died: {error}",
                    next_step=f"see {self._log}",
                ) from error

    def _listen(self) -> None:
        rest = b""
        while True:
            try:
                data = self._sock.recv(1 << 20)
            except OSError:
                data = b""
            if not data:
                self._lost()
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._handle(json.loads(line))

    def _handle(self, seen: dict[str, Any]) -> None:
        saw = seen["saw"]
        if saw == "preload_failed":
            self.preload_error = seen["error"]
        state = _STATES.get(saw)
        if state is None:
            return
        pid, service = seen.get("pid", 0), seen["service"]
        known = self._children.get(service)
        created = _create_time(pid) if saw == "started" else known.create_time if known else 0.0
        at_ns = seen.get("at_ns", time.monotonic_ns())
        child = Child(service, pid, created, state, at_ns, seen.get("code"), seen.get("error", ""))
        with self._changed:
            if saw in {"started", "failed"} or (known is not None and known.pid == pid):
                self._children[service] = child
            if state == "exited":
                self._ended.append(Ended(child, pid in self._expected))
            self._changed.notify_all()

    def _lost(self) -> None:
        """The nursery has ended, and its children with it."""
        now_ns = time.monotonic_ns()
        with self._changed:
            self._there = False
            for child in list(self._children.values()):
                if child.state in {"running", "stopped"}:
                    gone = Child(child.service, child.pid, child.create_time, "exited", now_ns)
                    self._children[child.service] = gone
                    self._ended.append(Ended(gone, child.pid in self._expected))
            self._changed.notify_all()


def _create_time(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return 0.0
