"""A stack under load in virtual time: the bench of the platform `sim`, with the same history as any other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import Empty
from random import Random
from typing import Final

import msgspec

from harness.engine.leader import Leader
from harness.engine.nemesis import Nemesis, Watcher
from harness.engine.record import Record
from harness.engine.setup import Setup
from harness.engine.steady import judged
from harness.engine.tables import write_tables
from harness.faults.contract import Fault, Move
from harness.history.folder import file_name
from harness.history.journal import Observer
from harness.load.live import ProbeCount, sum_of
from harness.load.virtual_accounts import AccountReader
from harness.load.virtual_client import Door
from harness.load.virtual_load import VirtualLoad, instruments_of
from harness.model import events as e
from harness.model.errors import AdapterError, StackUnhealthy
from harness.model.outcome import Outcome
from harness.model.replica import ReplicaDump
from harness.model.stack_event import StackEvent
from harness.model.undo import Undo
from harness.observe.files import accounts_path, quotes_path, replica_path
from harness.platforms.sim.hands import SimHands
from harness.platforms.sim.platform import simulation_of
from harness.platforms.sim.world import World
from harness.stack.adapter import Market
from harness.stack.description import CLIENTS
from harness.stack.loading import load_adapter
from harness.stack.simulation import HoldsReplica, KeepsFiles, Publishes

MS: Final = 1_000_000
SECOND_NS: Final = 1_000 * MS
HEADSTART_NS: Final = 150 * MS
CONNECT_NS: Final = 5 * SECOND_NS
DRAIN_NS: Final = 15 * SECOND_NS
SETTLE_NS: Final = 10 * SECOND_NS
LOOK_NS: Final = 137 * MS  # in no step with anything that a stack does at round intervals
FACTS_NS: Final = 1_000 * MS
READINGS: Final = 2
QUOTES_EVERY_NS: Final = 250 * MS
ON_TIME_NS: Final = 250 * MS


class NoLeases:
    """Nothing outlives a run in virtual time, so nobody has to heal in its place."""

    def grant(self, name: str, undos: tuple[Undo, ...], *, limit_s: float) -> str:
        return name

    def extend(self, lease: str, undos: tuple[Undo, ...]) -> None:
        return

    def release(self, lease: str) -> None:
        return


class VirtualInbox:
    """Events of the stack; to wait for one is to let virtual time pass."""

    def __init__(self) -> None:
        self.events: deque[StackEvent] = deque()
        self.pass_time: Callable[[int], None] = lambda _: None

    def get(self, *, timeout: float) -> StackEvent | None:
        if not self.events:
            self.pass_time(round(timeout * 1e9))
        return self.get_nowait()

    def get_nowait(self) -> StackEvent | None:
        if not self.events:
            raise Empty
        return self.events.popleft()


class VirtualWatcher:
    """Gathers facts once, after a while of virtual time or when the fault is lifted, whichever is first."""

    def __init__(self, gather: Callable[[], None]) -> None:
        self._gather: Callable[[], None] | None = gather

    def look(self) -> None:
        gather, self._gather = self._gather, None
        if gather is not None:
            gather()

    def join(self, timeout: float) -> None:
        self.look()


class VirtualBench:
    """One stack for one run in virtual time. Everything happens on one thread."""

    def __init__(self, setup: Setup, *, observers: tuple[Observer, ...] = ()) -> None:
        """Make the run's folder and begin its journal; raises `UsageError` when the stack has no simulation."""
        self.setup = setup
        self._simulation = simulation_of(setup.stack)
        adapter = load_adapter(setup.adapter, base=setup.stack.path.resolve().parent)()
        if not isinstance(adapter, Market):
            raise AdapterError("the adapter doesn't say what can be traded (harness.stack.adapter.Market)")
        self._market = instruments_of(adapter.market())
        self.leader = Leader()
        self.inbox = VirtualInbox()
        self.timed_out = False
        self.zero_ns: int | None = None
        self.phase = "starting the stack"
        self.has_site = False
        self._load: VirtualLoad | None = None
        self._missing: list[str] = []
        self._cursors: dict[str, int] = {}
        self._quotes = 0
        self._random = Random(setup.scenario.seed)  # noqa: S311  draws targets, no secrets
        self.world = World(
            setup.stack,
            self._simulation,
            seed=setup.scenario.seed,
            environment=setup.environment,
            on_event=self._saw,
        )
        self.record = Record(setup, observers=observers, clock_ns=self.clock_ns)
        self.inbox.pass_time = self._pass_time
        self.nemesis = Nemesis(
            hands=SimHands(self.world),
            leases=NoLeases(),
            emit=self.record.emit,
            origin_ns=self.record.origin_ns,
            limit_s=setup.scenario.timeout_s,
            clock_ns=self.clock_ns,
            watch=self._watch,
        )
        # The same for the same seed, as all in here.
        self.record.begin(run_id=f"{setup.scenario.name}-{setup.scenario.seed}")

    # --- time

    def clock_ns(self) -> int:
        """Virtual time."""
        return self.world.agenda.now_ns

    def wake(self) -> None:
        """Nobody waits in virtual time."""

    def problem(self) -> str:
        """Why this run can't go on: the disk; nothing else can fail beside the stack."""
        return self.record.refused

    def beyond_healing(self) -> bool:
        """What carries faults here can't fail."""
        return False

    def save_evidence(self, directory: Path) -> None:
        """The history holds all that there is."""

    def _pass_time(self, for_ns: int) -> None:
        agenda = self.world.agenda
        agenda.run_until(agenda.now_ns + for_ns, stop=lambda: bool(self.inbox.events))

    def _let(self, for_ns: int, *, until: Callable[[], bool], every_ns: int = 5 * MS) -> bool:
        """Let time pass until something holds, looked at every `every_ns`; whether it came to hold."""
        agenda = self.world.agenda
        end_ns = agenda.now_ns + for_ns
        while not until():
            if agenda.now_ns >= end_ns:
                return False
            agenda.run_until(min(end_ns, agenda.now_ns + every_ns))
        return True

    def _watch(self, _: str, gather: Callable[[], None]) -> Watcher:
        watcher = VirtualWatcher(gather)
        self.world.agenda.after(FACTS_NS, watcher.look)
        return watcher

    # --- the walk of a run

    def bring_up(self) -> None:
        """Start the stack, and wait until clients are connected; raises `StackUnhealthy` with what is not ready."""
        world, stack = self.world, self.setup.stack
        self.has_site = True
        for service in stack.services:
            self.record.emit(
                e.ServiceStarted(
                    at_ns=self.record.now(),
                    service=service.name,
                    provider=service.provider,
                    role=service.role,
                    pid=None,
                )
            )
        world.begin()
        limit_ns = round(stack.ready_within_s * 1e9)
        if not self._let(limit_ns, until=lambda: not world.unready()):
            told = "; ".join(f"{service}: {why}" for service, why in sorted(world.unready().items()))
            raise StackUnhealthy(f"not ready after {stack.ready_within_s:g} s of virtual time: {told}")
        for service in stack.services:
            self.record.emit(e.ServiceReady(at_ns=self.record.now(), service=service.name))
        self._connect()
        providers = {entry.service: entry.provider for entry in stack.entry_points}
        self.record.emit(
            e.StackReady(at_ns=self.record.now(), took_ns=self.record.now(), entry_points=providers)
        )

    def _connect(self) -> None:
        setup, load = self.setup, self.setup.scenario.load
        doors = [
            Door(entry.service, entry.provider, f"{entry.service}:{entry.port}")
            for entry in setup.stack.entry_points
        ]
        self._load = VirtualLoad(
            machine=self.world.machines[CLIENTS],
            simulation=self._simulation,
            instruments=self._market,
            doors=doors,
            first_door=self._first_door(doors),
            profile=load.profile,
            orders_per_s=load.orders_per_s,
            probe_every_ns=round(load.probe_every_ms * 1e6),
            seed=setup.scenario.seed,
            folder=self.record.folder.path,
        )
        self._load.connect()
        if not self._let(CONNECT_NS, until=lambda: not self.load.unconnected()):
            raise AdapterError(f"no connection for {', '.join(self.load.unconnected())}")
        self._poll_quotes()

    @property
    def load(self) -> VirtualLoad:
        """The load; only after `bring_up`."""
        if self._load is None:
            raise StackUnhealthy("the load was not started")
        return self._load

    def _first_door(self, doors: list[Door]) -> str:
        """The gateway beside the primary: where a client stands that the primary's outage hits hardest."""
        primary = self.leader.service
        provider = None if primary is None else self.setup.stack.service(primary).provider
        return next((door.name for door in doors if door.provider == provider), doors[0].name)

    def begin_load(self) -> int:
        """Start the load; answers time zero in virtual time."""
        self.phase = "playing the scenario"
        self.zero_ns = self.clock_ns() + HEADSTART_NS
        self.load.begin(self.zero_ns)
        self.record.emit(e.LoadStarted(at_ns=self.zero_ns - self.record.origin_ns, workers=1))
        return self.zero_ns

    def availability(self, window_s: float) -> float | None:
        """The share of the probes of the last seconds that were answered in time; None when none was due."""
        total = self._probes(window_s)
        return total.availability if total.scheduled else None

    def _probes(self, window_s: float) -> ProbeCount:
        window_ns = round(window_s * 1e9)
        return sum_of(self.load.live(window_ns=window_ns, until_ns=self.clock_ns(), on_time_ns=ON_TIME_NS))

    def judge_steady_state(self) -> bool:
        """Whether the probes of the last `steady_state.for` fared as they should; tells it, too."""
        asked = self.setup.scenario.steady_state
        event = judged(self._probes(asked.for_s), asked, at_ns=self.record.now(), strain="")
        self.record.emit(event)
        return event.outcome is Outcome.PASS

    def inject(self, fault_id: str, fault: Fault, *, asked_ns: int | None = None) -> tuple[Move, ...]:
        """Apply a fault now; answers its later moves. `asked_ns` is on the run's clock."""
        asked = self.record.now() if asked_ns is None else asked_ns
        scene = self.leader.scene(self.setup.stack, self._random)
        return self.nemesis.inject(fault_id, fault, scene, asked_ns=asked)

    def heal(self, fault_id: str, *, asked_ns: int | None = None) -> None:
        """Heal a fault."""
        self.nemesis.heal(fault_id, asked_ns=self.record.now() if asked_ns is None else asked_ns)

    def look_around(self) -> None:
        """Nothing dies by itself in virtual time."""

    def settle(self, *, by: str = "engine") -> None:
        """Heal whatever is still broken, and wait until every service is ready again."""
        self.phase = "healing"
        self.nemesis.heal_all(by=by)
        limit_s = self.setup.stack.ready_within_s
        if not self._let(round(limit_s * 1e9), until=lambda: not self.world.unready()):
            lines: dict[str, tuple[str, ...]] = {name: (why,) for name, why in self.world.unready().items()}
            self.record.emit(
                e.PhaseTimedOut(
                    at_ns=self.record.now(),
                    phase="ready again",
                    limit_ns=round(limit_s * 1e9),
                    last_lines=lines,
                )
            )

    def freeze(self) -> None:
        """Drain the load, read what the stack holds, and write the tables: from here on the history stands."""
        self.phase = "draining the load, then reading the end state"
        self._drain()
        replicas = self._collect_replicas()
        accounts = self._collect_accounts()
        self._read_quotes()
        self.record.emit(
            e.Collected(
                at_ns=self.record.now(),
                replicas=replicas,
                quotes=self._quotes,
                accounts=accounts,
                missing=tuple(self._missing),
            )
        )
        self.load.close()
        self.record.sync()
        write_tables(self.record.folder, origin_mono_ns=self.record.origin_ns)

    def tear_down(self) -> tuple[str, ...]:
        """End the journal; in virtual time nothing is left. Safe to call twice."""
        with suppress(OSError):
            self._keep_files()
        if self._load is not None:
            with suppress(OSError):  # what a full disk does not take was told when the load was drained
                self._load.close()
        self.record.close(left=())
        return ()

    # --- the end of a run

    def _drain(self) -> None:
        load, until_ns = self.load, self.clock_ns() + DRAIN_NS
        load.stop()
        self._let(DRAIN_NS, until=lambda: load.idle)
        unresolved = {order.client_order_id: order for order in load.take_unknown()}
        for number, (key, order) in enumerate(list(unresolved.items())):
            load.resolve(order, number, until_ns=until_ns, on_known=partial(unresolved.pop, key, None))
        self._let(max(0, until_ns - self.clock_ns()), until=lambda: not unresolved)
        self.record.emit(
            e.LoadDrained(
                at_ns=self.record.now(),
                operations=load.operations,
                unresolved=len(unresolved),
                late_ns_p99=0,
                late_ns_max=0,
            )
        )

    def _dumps(self) -> dict[str, ReplicaDump]:
        return {
            name: service.replica()
            for name, service in self.world.services.items()
            if isinstance(service, HoldsReplica)
            and self.world.machines[name].alive
            and not self.world.machines[name].frozen
        }

    def _collect_replicas(self) -> int:
        engines = [each.name for each in self.setup.stack.by_role("engine")]

        def equal() -> bool:
            dumps = self._dumps()
            return len(dumps) == len(engines) and len({dump.applied_index for dump in dumps.values()}) == 1

        if not self._let(SETTLE_NS, until=equal, every_ns=LOOK_NS):
            self._missing.append("a common log: replicas were not equally far within 10 s")
        count = 0
        for reading in range(1, READINGS + 1):
            if reading > 1:
                self.world.agenda.run_until(self.clock_ns() + LOOK_NS)
            for service, dump in sorted(self._dumps().items()):
                replica_path(self.record.folder.path, service, reading).write_bytes(msgspec.json.encode(dump))
                count += 1
        return count

    def _collect_accounts(self) -> int:
        count = 0
        for entry in self.setup.stack.entry_points:
            address = f"{entry.service}:{entry.port}"
            reader = AccountReader(self.world.machines[CLIENTS], self._simulation, address)
            if not self._let(SETTLE_NS, until=lambda reader=reader: reader.over) or reader.problem:  # type: ignore[misc]
                why = reader.problem or "no answer"
                self._missing.append(f"accounts through {entry.service}: {why}")
            reports = [msgspec.structs.replace(each, through=entry.service) for each in reader.reports]
            accounts_path(self.record.folder.path, entry.service).write_bytes(msgspec.json.encode(reports))
            count += len(reports)
        return count

    def _keep_files(self) -> None:
        """Put what services leave in their volumes where the process platform has it."""
        for name, service in self.world.services.items():
            volumes = [mount for mount in self.setup.stack.service(name).mounts if mount.kind == "volume"]
            if not isinstance(service, KeepsFiles) or not volumes:
                continue
            directory = self.record.folder.volume(volumes[0].source)
            directory.mkdir(parents=True, exist_ok=True)
            for file, content in service.files().items():
                (directory / file_name(file)).write_bytes(content)

    def _poll_quotes(self) -> None:
        self._read_quotes()
        self.world.agenda.after(QUOTES_EVERY_NS, self._poll_quotes)

    def _read_quotes(self) -> None:
        for name, service in self.world.services.items():
            machine = self.world.machines[name]
            if not isinstance(service, Publishes) or not machine.alive or machine.frozen:
                continue
            batch = service.quotes(self._cursors.get(name, 0))
            if batch.quotes or batch.dropped:
                self._cursors[name] = batch.cursor
                self._quotes += len(batch.quotes)
                with quotes_path(self.record.folder.path, name).open("ab") as file:
                    file.write(msgspec.json.encode(batch) + b"\n")

    def _saw(self, event: StackEvent) -> None:
        self.leader = self.leader.after(event)
        at_ns = event.mono_ns - self.record.origin_ns
        self.record.emit(e.StackSaid(at_ns=at_ns, seen_ns=at_ns, event=event))
        self.inbox.events.append(event)
