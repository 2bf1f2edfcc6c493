"""Runs a stack as local processes: the default platform, which needs nothing but Python."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

import psutil

from harness.faults.contract import Capability
from harness.model.errors import EnvironmentUnfit
from harness.model.undo import SignalProcess, Undo
from harness.platforms.abilities import abilities
from harness.platforms.beyond import ONE_HOST, WHOLE_STREAMS
from harness.platforms.children import Children
from harness.platforms.contract import Launch
from harness.platforms.ports import HOST, Ports
from harness.platforms.proxy_process import ProxyProcess
from harness.platforms.wiring import Places, base_environment, ports_of, settle
from harness.stack.adapter import Address
from harness.stack.description import Stack

if TYPE_CHECKING:
    from harness.platforms.site import ProcessSite
    from harness.wan.client import WanClient

_LACKING: Final = {
    Capability.KILL: "signals don't reach processes of our own here",
    Capability.PAUSE: "SIGSTOP does not freeze processes here",
    Capability.DROP_HANDSHAKES: "this system answers handshakes although the accept queue is full, "
    "so that `new: drop` would be a lie; `new: stall` works, or a Linux machine",
    Capability.LOSE_PACKETS: str(WHOLE_STREAMS),
    **dict.fromkeys(
        (
            Capability.POWER,
            Capability.SLOW_DISK,
            Capability.FULL_DISK,
            Capability.LYING_DISK,
            Capability.WIPED_DISK,
            Capability.DRIFT_CLOCK,
        ),
        str(ONE_HOST),
    ),
}


class ProcessPlatform:
    """Starts services as processes, and a fault proxy for the links between them (`harness.platforms.contract.Platform`)."""

    name: ClassVar[str] = "process"
    exclusive: ClassVar[bool] = True

    def capabilities(self) -> frozenset[Capability]:
        return abilities()

    def lacking(self, capability: Capability) -> str:
        return _LACKING.get(capability, f"the process platform can't do {capability}")

    def launch(self, launch: Launch) -> ProcessSite:
        """Start everything; returns when all is started, not yet ready.

        Raises:
            EnvironmentUnfit: A port, a folder or a process can't be had.
            StackUnhealthy: The processes that start services died.
        """
        _commands_are_known(launch.stack)
        with contextlib.ExitStack() as undo, _telling():
            site = _Launching(launch, undo.callback).site()
            undo.pop_all()
            return site


def _commands_are_known(stack: Stack) -> None:
    """Raise for services that say only an image: what an image starts by itself can't be known here."""
    silent = [service for service in stack.services if not service.local_command]
    if silent:
        raise EnvironmentUnfit(
            f"{stack.path}:{silent[0].line}: {', '.join(service.name for service in silent)}: no command is said, and "
            "what an image starts by itself is not known here",
            next_step="add `command:`, or `x-harness-process: {command: …}` for local processes alone",
        )


class _Launching:
    """One start: the slow things first, and side by side."""

    def __init__(self, launch: Launch, on_failure: Callable[..., object]) -> None:
        self._launch = launch
        self._stack: Stack = launch.stack
        self._inherited = base_environment(os.environ)
        self._logs = launch.run_dir / "logs"
        self._logs.mkdir(parents=True, exist_ok=True)
        self._proxy = ProxyProcess(
            seed=launch.seed, environment=_own_environment(), log=self._logs / "harness.wan.log"
        )
        on_failure(self._proxy.stop)
        self._children = Children(
            preload=self._stack.preload,
            directory=self._stack.path.parent.absolute(),
            environment=self._inherited,
            log=self._logs / "harness.nursery.log",
        )
        on_failure(self._children.stop)
        self._ports = Ports()
        on_failure(self._ports.close)
        self._lease = launch.leases.grant(f"stack {self._stack.name}", self._ends(), limit_s=launch.limit_s)
        on_failure(
            launch.leases.release, self._lease
        )  # runs first, but the processes end with ours in any case

    def site(self) -> ProcessSite:
        # These take long to import: time enough for the processes above to start.
        from harness.platforms.site import Parts, ProcessSite
        from harness.wan.client import WanClient

        listen = {
            (service.name, port): Address(HOST, self._ports.take())
            for service in self._stack.services
            for port in ports_of(service)
        }
        wan = WanClient(self._proxy.api())
        places = Places(listen, _link_up(self._stack, wan, listen), self._launch.run_dir)
        self._make_volumes(places)
        orders = {
            service.name: settle(
                self._stack,
                service,
                places,
                interpreter=sys.executable,
                inherited=self._inherited,
                overrides=self._launch.environment,
            )
            for service in self._stack.services
        }
        site = ProcessSite(
            Parts(
                stack=self._stack,
                places=places,
                orders=orders,
                children=self._children,
                proxy=self._proxy,
                wan=wan,
                ports=self._ports,
                leases=self._launch.leases,
                lease=self._lease,
            )
        )
        site.start([orders[name] for name in _start_order(self._stack)])
        site.watch()
        return site

    def _ends(self) -> tuple[Undo, ...]:
        nursery = psutil.Process(self._children.nursery_pid)
        return (
            SignalProcess(self._proxy.pid, self._proxy.create_time, "SIGKILL", "fault proxy"),
            SignalProcess(nursery.pid, nursery.create_time(), "SIGKILL", "nursery"),
        )

    def _make_volumes(self, places: Places) -> None:
        for service in self._stack.services:
            for mount in service.mounts:
                if mount.kind == "volume":
                    places.volume(mount.source).mkdir(parents=True, exist_ok=True)


def _link_up(stack: Stack, wan: WanClient, listen: Mapping[tuple[str, int], Address]) -> dict[str, Address]:
    """Put every link that crosses the WAN behind the proxy, with its baseline; answers where each is dialled."""
    from harness.wan.changes import Link

    crossing = [link for link in stack.links if link.crosses_wan]
    found = wan.populate(
        Link(link.name, f"{HOST}:0", str(listen[link.target, link.port])) for link in crossing
    )
    wan.baselines({link.name: (link.round_trip_ms, link.jitter_ms) for link in crossing})
    places = {}
    for name, address in found.items():
        host, _, port = address.rpartition(":")
        places[name] = Address(host, int(port))
    return places


def _start_order(stack: Stack) -> list[str]:
    """Those that others depend on first; the file's order otherwise."""
    graph = {service.name: set(service.depends_on) & set(stack.service_names) for service in stack.services}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError:
        return list(stack.service_names)  # a circle says nothing about who comes first


def _own_environment() -> dict[str, str]:
    """For processes of the harness itself: they must find it, wherever this one found it."""
    home = str(Path(__file__).parents[2])
    paths = [home, *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, dict.fromkeys(paths)))}


@contextlib.contextmanager
def _telling() -> Iterator[None]:
    """Tell what a machine lacks in words."""
    try:
        yield
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise EnvironmentUnfit(
                f"the disk is full{place}: the stack can't be started",
                next_step="free some space, or write runs elsewhere (--out)",
            ) from error
        raise EnvironmentUnfit(f"the stack can't be started: {error.strerror or error}{place}") from error
