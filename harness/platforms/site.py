"""A stack that runs as local processes."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from harness.faults.contract import Hands
from harness.model.errors import HarnessError, StackUnhealthy
from harness.model.undo import SignalProcess
from harness.platforms.children import Child, Children
from harness.platforms.contract import Exit, Leases
from harness.platforms.evidence import Evidence, save
from harness.platforms.hands import ProcessHands, Reach
from harness.platforms.order import Order
from harness.platforms.ports import Ports, is_free
from harness.platforms.proxy_process import ProxyProcess
from harness.platforms.readiness import Question, Readiness
from harness.platforms.readings import LinkPorts, Readings
from harness.platforms.wiring import Places, ports_of
from harness.stack.adapter import Address
from harness.stack.description import Service, Stack
from harness.wan.client import WanClient

_TAIL_BYTES: Final = 64 * 2**10
_CLOSED_WITHIN_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What a site is made of; it ends all of them."""

    stack: Stack
    places: Places
    orders: Mapping[str, Order]
    children: Children
    proxy: ProxyProcess
    wan: WanClient
    ports: Ports
    leases: Leases
    lease: str


class ProcessSite:
    """A running stack (`harness.platforms.contract.Site`)."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._stopped = False
        self._stopping = threading.Lock()
        stack, places = parts.stack, parts.places
        crossing = {link.name: link for link in stack.links if link.crosses_wan}
        self._readings = Readings(
            {
                name: LinkPorts(places.proxies[name].port, places.listen[link.target, link.port].port)
                for name, link in crossing.items()
            },
            parts.wan.address,
        )
        self.hands: Hands = ProcessHands(
            Reach(
                children=parts.children,
                orders=parts.orders,
                ports={service.name: self._ports(service) for service in stack.services},
                wan=parts.wan,
                readings=self._readings,
                proxies=places.proxies,
                restart=self.start,
                stopped=lambda: self._stopped,
            )
        )
        self.entry_points: Mapping[str, Address] = {
            link.target: places.proxies[link.name]
            for link in crossing.values()
            if link.source_provider is None and link.source not in stack.service_names
        }
        self.observed: Mapping[str, Address] = {
            service.name: places.listen[service.name, service.health.port]
            for service in stack.services
            if service.health is not None
        }
        self.logs: Mapping[str, Path] = {name: places.log(name) for name in stack.service_names}

    def pids(self) -> Mapping[str, int]:
        return {
            name: child.pid
            for name, child in self._parts.children.all.items()
            if self._parts.children.runs(name)
        }

    def start(self, orders: Sequence[Order]) -> dict[str, Child]:
        """Start services and put their processes under the stack's lease; nothing happens once the site has stopped."""
        if self._stopped or not orders:
            return {}
        started = self._parts.children.start(orders)
        self._parts.leases.extend(
            self._parts.lease,
            tuple(
                SignalProcess(child.pid, child.create_time, "SIGKILL", child.service)
                for child in started.values()
            ),
        )
        return started

    def watch(self) -> None:
        """Begin to read now and then what links carry, for the facts of faults to come."""
        self._readings.start()

    def wait_ready(
        self, *, within_s: float, services: tuple[str, ...] | None = None, each: Callable[[str], None]
    ) -> None:
        names = self._parts.stack.service_names if services is None else services
        questions = {name: self._question(self._parts.stack.service(name)) for name in names}
        readiness = Readiness({name: asked for name, asked in questions.items() if asked is not None})
        for name in (name for name, asked in questions.items() if asked is None):
            each(name)
        until = time.monotonic() + within_s
        with contextlib.closing(readiness):
            while readiness.waiting:
                for name in readiness.step():
                    each(name)
                dead = [name for name in readiness.waiting if not self._parts.children.runs(name)]
                if dead or time.monotonic() >= until:
                    raise self._unhealthy(dead or list(readiness.waiting), readiness.waiting, within_s)

    def problem(self) -> str:
        proxy = self._parts.proxy
        if not self._stopped and not proxy.alive():
            return f"the harness's own fault proxy (process {proxy.pid}) has died, and every link with it"
        return ""

    def exits(self) -> list[Exit]:
        return [
            Exit(ended.child.service, ended.child.code, ended.expected, ended.child.at_ns)
            for ended in self._parts.children.ended()
        ]

    def last_lines(self, service: str, *, count: int = 10) -> tuple[str, ...]:
        try:
            with self.logs[service].open("rb") as log:
                log.seek(max(0, log.seek(0, 2) - _TAIL_BYTES))
                return tuple(log.read().decode(errors="replace").splitlines()[-count:])
        except OSError:
            return ()

    def save_evidence(self, directory: Path) -> None:
        parts = self._parts
        modules = {name for name, order in parts.orders.items() if order.module is not None}
        running = {name: child for name, child in parts.children.all.items() if parts.children.runs(name)}
        save(
            directory,
            Evidence(
                children=running,
                dump_stacks=frozenset(
                    modules & {name for name, child in running.items() if child.state == "running"}
                ),
                logs=self.logs,
                volumes=parts.places.run_dir / "volumes",
                ports={
                    address.port: f"{service}:{port}"
                    for (service, port), address in parts.places.listen.items()
                }
                | {address.port: f"proxy of {link}" for link, address in parts.places.proxies.items()},
            ),
        )

    def stop(self) -> tuple[str, ...]:
        with self._stopping:
            if self._stopped:
                return self._left()
            self._stopped = True
            parts = self._parts
            self._readings.stop()
            parts.children.stop()
            parts.wan.close()
            parts.proxy.stop()
            left = self._left()
            parts.ports.close()
            if not left:
                with contextlib.suppress(HarnessError):
                    parts.leases.release(parts.lease)
            return left

    def _left(self) -> tuple[str, ...]:
        """Processes and ports of this stack that are still there."""
        parts = self._parts
        processes = [
            f"process {child.pid} ({name})"
            for name, child in parts.children.all.items()
            if _lives(child.pid, child.create_time)
        ]
        if parts.proxy.alive():
            processes.append(f"process {parts.proxy.pid} (fault proxy)")
        # The ports of links went with the proxy, and may be another program's by now.
        listen = parts.places.listen
        known = {address.port: f"{service}:{port}" for (service, port), address in listen.items()}
        return (*processes, *(f"port {port} ({known[port]})" for port in _open_ports(known)))

    def _ports(self, service: Service) -> tuple[int, ...]:
        return tuple(self._parts.places.listen[service.name, port].port for port in ports_of(service))

    def _question(self, service: Service) -> Question | None:
        listen = self._parts.places.listen
        if service.health is not None:
            return Question(listen[service.name, service.health.port], service.health.path)
        ports = ports_of(service)
        return Question(listen[service.name, ports[0]], None) if ports else None

    def _unhealthy(self, names: Sequence[str], reasons: Mapping[str, str], within_s: float) -> StackUnhealthy:
        parts: list[str] = []
        dead: list[str] = []
        for name in names:
            child = self._parts.children.all.get(name)
            ended = child is not None and child.state == "exited"
            what = (
                f"ended with {child.code}" if child is not None and ended else f"not ready: {reasons[name]}"
            )
            if ended:
                dead.append(name)
            lines = "".join(f"\n    {line}" for line in self.last_lines(name)) or "\n    (it printed nothing)"
            parts.append(f"{name}: {what}{lines}")
        head = (
            f"{', '.join(dead)} ended before the stack was ready"
            if dead
            else f"the stack did not get ready within {within_s:g} s"
        )
        taken = [name for name in names if "ddress already in use" in "".join(self.last_lines(name))]
        error = self._parts.children.preload_error
        hints = [f"preloading failed: {error}"] if error else []
        step = (
            f"a port of {', '.join(taken)} was taken by another program: run it again"
            if taken
            else f"logs are in {self._parts.places.run_dir / 'logs'}"
        )
        return StackUnhealthy(
            "\n  ".join([head, *hints, *parts]),
            next_step=step,
        )


def _open_ports(ports: Mapping[int, str]) -> list[int]:
    """Ports that somebody still listens on; the kernel takes a moment to close those of processes that just died."""
    until = time.monotonic() + _CLOSED_WITHIN_S
    while True:
        listening = [port for port in ports if not is_free(port) and _answers(port)]
        if not listening or time.monotonic() >= until:
            return listening
        time.sleep(0.02)


def _answers(port: int) -> bool:
    import socket

    from harness.platforms.ports import HOST

    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as sock:
        sock.settimeout(0.2)
        return sock.connect_ex((HOST, port)) == 0


def _lives(pid: int, create_time: float) -> bool:
    try:
        process = psutil.Process(pid)
        return bool(abs(process.create_time() - create_time) < 2 and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
