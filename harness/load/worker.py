"""One load process: `python -m harness.load.worker PLAN.json`.

Commands come as JSON lines on standard input, in this order: `connect`, `start_mono_ns`, `stop`; answers go out on
standard output (`harness.load.plan`). When the input ends, the process does, at once: its harness is gone.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from harness.load.locust_user import LocustRun  # first: importing Locust patches the interpreter for gevent

import gevent  # isort: skip
import msgspec  # isort: skip

from harness.load.client import Client
from harness.load.connection import Gateway, Mishaps
from harness.load.control import Control
from harness.load.driver import Driver
from harness.load.flow import sessions
from harness.load.lateness import lateness_of
from harness.load.plan import Connect, Connected, Drained, Failed, Loaded, Stop, WorkerPlan
from harness.load.probes import RECONNECTING_CLIENT, probe_client
from harness.load.records import RecordWriter, records_path
from harness.load.resolving import resolve_all
from harness.load.timed import TimedOperation, merged
from harness.load.workload import workload_of
from harness.model.errors import AdapterError, HarnessError
from harness.stack.adapter import Address
from harness.stack.loading import load_adapter

EXIT_PARENT_GONE = 0
PREFERENCE = (
    -10
)  # of our processes over the stack's, where the system grants it: a late generator judges nobody


class Worker:
    """A load process from its plan to its last word."""

    def __init__(self, plan: WorkerPlan) -> None:
        self.plan = plan
        self.mishaps = Mishaps()
        self.factory = load_adapter(plan.adapter, base=Path(plan.base))
        self.workload = workload_of(self.factory())
        self.writer = RecordWriter(records_path(Path(plan.folder), plan.worker))
        self.clients: dict[str, Client] = {}
        self.first_gateway = ""
        self.gateways: list[str] = []
        self.driver = Driver(
            self.clients,
            self.writer,
            worker=plan.worker,
            first_op=plan.first_op,
            on_request=lambda timed, attempted, due_ns: self.locust.fired(timed, attempted, due_ns),
        )
        self.start_mono_ns = 0
        self.locust = LocustRun(lambda: self.driver.run(self.operations(), start_mono_ns=self.start_mono_ns))

    def connect(self, order: Connect) -> None:
        """Connect every client; raises `AdapterError` that names those that could not in time."""
        gateways = [
            Gateway(each.name, each.provider, Address(each.host, each.port)) for each in order.gateways
        ]
        self.gateways = [gateway.name for gateway in gateways]
        self.first_gateway = order.first_gateway
        self.clients.update(self._clients(gateways))
        for client in self.clients.values():
            client.start()
        until = time.monotonic() + order.within_s
        missing = [
            client.name
            for client in self.clients.values()
            if not client.wait_connected(max(0.0, until - time.monotonic()))
        ]
        if missing:
            why = f" (the adapter: {self.mishaps.last})" if self.mishaps.last else ""
            raise AdapterError(f"no connection within {order.within_s:g} s for {', '.join(missing)}{why}")

    def operations(self) -> Iterator[TimedOperation]:
        """All that this worker sends, by due time."""
        streams: list[Iterator[TimedOperation]] = []
        if self.plan.flow is not None:
            flow = self.workload.flow(
                self.plan.flow, self.gateways, seed=self.plan.seed, worker=self.plan.worker
            )
            streams.append(iter(flow))
        if self.plan.probes is not None:
            every_ns = self.plan.probes.every_ns
            streams.append(
                self.workload.probes(self.gateways, first_gateway=self.first_gateway, every_ns=every_ns)
            )
        return merged(streams)

    def start(self, start_mono_ns: int) -> None:
        self.start_mono_ns = start_mono_ns
        gc.collect()
        gc.freeze()  # what was imported lives as long as the process; collections need not look at it again
        self.locust.start()

    def drain(self, stop: Stop) -> Drained:
        """Stop sending, wait for what is open, then settle what is unknown."""
        until_ns = time.monotonic_ns() + int(stop.drain_s * 1e9)
        self.driver.stop()
        self.driver.wait_idle(stop.drain_s)
        unknown = list(self.driver.tally.unknown)
        unresolved = resolve_all(
            unknown,
            list(self.clients.values()),
            lambda client, purpose, operation, within_ns: self.driver.ask(
                client, purpose, operation, within_ns=within_ns
            ),
            until_ns=until_ns,
        )
        requests, failures = self.locust.totals()
        self.writer.flush()
        return Drained(
            worker=self.plan.worker,
            operations=self.driver.tally.operations,
            unknown=len(unknown),
            unresolved=len(unresolved),
            lateness=lateness_of(self.driver.tally.late_ns),
            reconnects=sum(client.reconnects for client in self.clients.values()),
            overruns=self.mishaps.overruns,
            exceptions=self.mishaps.exceptions,
            last_mishap=self.mishaps.last,
            locust_requests=requests,
            locust_failures=failures,
            cpu_s=time.process_time(),
        )

    def _clients(self, gateways: Sequence[Gateway]) -> Iterator[tuple[str, Client]]:
        by_name = {gateway.name: gateway for gateway in gateways}
        if self.plan.flow is not None:
            for session in sessions(self.plan.worker, list(by_name)):
                yield session.client, self._moving(session.client, _from(gateways, session.gateway))
        if self.plan.probes is not None:
            for gateway in gateways:
                name = probe_client(gateway.name)
                yield name, Client(name, [gateway], self.factory, self.plan.pinned, self.mishaps)
            yield (
                RECONNECTING_CLIENT,
                self._moving(RECONNECTING_CLIENT, _from(gateways, self.first_gateway)),
            )

    def _moving(self, name: str, gateways: Sequence[Gateway]) -> Client:
        return Client(name, gateways, self.factory, self.plan.moving, self.mishaps)


def _from(gateways: Sequence[Gateway], first: str) -> list[Gateway]:
    """The gateways in their order, turned so that `first` leads; raises `AdapterError` if there is none such."""
    names = [gateway.name for gateway in gateways]
    if first not in names:
        raise AdapterError(f"{first!r} is not a gateway: they are {', '.join(names)}")
    at = names.index(first)
    return [*gateways[at:], *gateways[:at]]


def serve(plan: WorkerPlan) -> int:
    """Follow the parent's commands until `stop` is done."""
    worker: Worker | None = None

    def parent_gone() -> NoReturn:
        if worker is not None:
            worker.writer.flush()
        os._exit(EXIT_PARENT_GONE)

    control = Control(parent_gone)
    try:
        worker = Worker(plan)
        gevent.spawn(worker.driver.keep_flushing)
        control.say(Loaded())
        return _follow(worker, control)
    except HarnessError as error:
        control.say(Failed(str(error)))
        return int(error.exit_code)


def _follow(worker: Worker, control: Control) -> int:
    while True:
        command = control.commands.get()
        if command.connect is not None:
            worker.connect(command.connect)
            control.say(Connected({name: str(client.policy) for name, client in worker.clients.items()}))
        if command.start_mono_ns is not None:
            worker.start(command.start_mono_ns)
        if command.stop is not None:
            control.say(worker.drain(command.stop))
            return 0


def main(arguments: Sequence[str]) -> int:
    with contextlib.suppress(OSError):
        os.nice(PREFERENCE)
    return serve(msgspec.json.decode(Path(arguments[0]).read_bytes(), type=WorkerPlan))


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # no atexit of a patched interpreter: greenlets may still wait for connections in the dark
