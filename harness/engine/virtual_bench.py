"""A stack under load in virtual time: the bench of the platform `sim`, with the same history as any other."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from harness.engine.record import Record
from harness.engine.setup import Setup
from harness.engine.steady import judged
from harness.engine.tables import write_tables
from harness.engine.virtual_collection import VirtualCollection, keep_files
from harness.engine.virtual_limit import WallClockLimit
from harness.engine.virtual_lookout import VirtualInbox, VirtualLookout
from harness.engine.virtual_nemesis import virtual_nemesis
from harness.engine.virtual_services import VirtualServices
from harness.faults.contract import Fault, Move
from harness.history.journal import Observer
from harness.load.live import ProbeCount, sum_of
from harness.load.virtual_client import Door
from harness.load.virtual_load import VirtualLoad, instruments_of
from harness.model import events as e
from harness.model.errors import AdapterError, StackUnhealthy
from harness.model.outcome import Outcome
from harness.platforms.sim.platform import simulation_of
from harness.platforms.sim.world import World
from harness.stack.adapter import Market
from harness.stack.description import CLIENTS
from harness.stack.loading import load_adapter

MS: Final = 1_000_000
SECOND_NS: Final = 1_000 * MS
HEADSTART_NS: Final = 150 * MS
CONNECT_NS: Final = 5 * SECOND_NS
DRAIN_NS: Final = 15 * SECOND_NS
ON_TIME_NS: Final = 250 * MS


class VirtualBench:
    """One stack for one run in virtual time. Everything happens on one thread."""

    leaves_evidence: Final = False

    def __init__(self, setup: Setup, *, observers: tuple[Observer, ...] = ()) -> None:
        """Make the run's folder and begin its journal; raises `UsageError` when the stack has no simulation."""
        self.setup = setup
        self._simulation = simulation_of(setup.stack)
        adapter = load_adapter(setup.adapter, base=setup.stack.path.resolve().parent)()
        if not isinstance(adapter, Market):
            raise AdapterError("the adapter doesn't say what can be traded (harness.stack.adapter.Market)")
        self._market = instruments_of(adapter.market())
        self.zero_ns: int | None = None
        self.phase = "starting the stack"
        self.has_site = False
        self._load: VirtualLoad | None = None
        self._random = Random(setup.scenario.seed)  # noqa: S311  draws targets, no secrets
        self.world = World(
            setup.stack,
            self._simulation,
            seed=setup.scenario.seed,
            environment=setup.environment,
            on_event=lambda event: self.lookout.hear(event),
        )
        self._limit = WallClockLimit(setup.scenario.timeout_s)
        self.world.agenda.watch = self._limit.look
        self.record = Record(setup, observers=observers, clock_ns=self.clock_ns)
        self.lookout = VirtualLookout(self.world, self.record)
        self.services = VirtualServices(self.world, self.record, may_exit=setup.scenario.allow.exits)
        self.nemesis = virtual_nemesis(self.world, self.record, limit_s=setup.scenario.timeout_s)
        # The same for the same seed, as all in here.
        self.record.begin(run_id=f"{setup.scenario.name}-{setup.scenario.seed}")

    @property
    def timed_out(self) -> bool:
        """Whether the run took longer than it may, on a real clock; virtual time stands still from then on."""
        return self._limit.passed

    @property
    def inbox(self) -> VirtualInbox:
        """Where events of the stack arrive."""
        return self.lookout.inbox

    @property
    def load(self) -> VirtualLoad:
        """The load; only after `bring_up`."""
        if self._load is None:
            raise StackUnhealthy("the load was not started")
        return self._load

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

    # --- the walk of a run

    def bring_up(self) -> None:
        """Start the stack, and wait until clients are connected; raises `StackUnhealthy` with what is not ready."""
        self.has_site = True
        self.services.start()
        self._connect()
        providers = {entry.service: entry.provider for entry in self.setup.stack.entry_points}
        self.record.emit(
            e.StackReady(at_ns=self.record.now(), took_ns=self.record.now(), entry_points=providers)
        )

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

    def judge_steady_state(self) -> bool:
        """Whether the probes of the last `steady_state.for` fared as they should; tells it, too."""
        asked = self.setup.scenario.steady_state
        event = judged(self._probes(asked.for_s), asked, at_ns=self.record.now(), strain="")
        self.record.emit(event)
        return event.outcome is Outcome.PASS

    def prepare(self, fault_id: str, fault: Fault) -> None:
        """Nothing: in virtual time a decision takes no time."""

    def inject(self, fault_id: str, fault: Fault, *, asked_ns: int | None = None) -> tuple[Move, ...]:
        """Apply a fault now; answers its later moves. `asked_ns` is on the run's clock."""
        asked = self.record.now() if asked_ns is None else asked_ns
        scene = self.lookout.leader.scene(self.setup.stack, self._random)
        return self.nemesis.inject(fault_id, fault, scene, asked_ns=asked)

    def heal(self, fault_id: str, *, asked_ns: int | None = None) -> None:
        """Heal a fault."""
        self.nemesis.heal(fault_id, asked_ns=self.record.now() if asked_ns is None else asked_ns)

    def look_around(self) -> None:
        """Tell of services that ended since the last look."""
        self.services.look_around()

    def settle(self, *, by: str = "engine") -> None:
        """Heal whatever is still broken, and wait until every service is ready again."""
        self.phase = "healing"
        self.nemesis.heal_all(by=by)
        if not self.timed_out:
            self.services.await_again()

    def freeze(self) -> None:
        """Drain the load, read what the stack holds, and write the tables: from here on the history stands.

        A run that took too long is left as it is, and known to be cut.
        """
        if self.timed_out:
            return
        self.phase = "draining the load, then reading the end state"
        self._drain()
        collection = VirtualCollection(self.world, self._simulation, self.record.folder.path)
        collection.read(self._market)
        self.lookout.read_quotes()
        self.look_around()
        self.record.emit(
            e.Collected(
                at_ns=self.record.now(),
                replicas=collection.replicas,
                quotes=self.lookout.quotes,
                accounts=collection.accounts,
                missing=tuple(collection.missing),
            )
        )
        self.load.close()
        self.record.sync()
        write_tables(self.record.folder, origin_mono_ns=self.record.origin_ns)

    def tear_down(self) -> tuple[str, ...]:
        """End the journal; in virtual time nothing is left. Safe to call twice."""
        with suppress(OSError):
            keep_files(self.world, self.record.folder)
        if self._load is not None:
            with suppress(OSError):  # what a full disk does not take was told when the load was drained
                self._load.close()
        self.record.close(left=())
        return ()

    # --- its parts

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
        if not self.world.agenda.wait_for(lambda: not self.load.unconnected(), within_ns=CONNECT_NS):
            raise AdapterError(f"no connection for {', '.join(self.load.unconnected())}")
        self.lookout.poll_quotes()

    def _first_door(self, doors: list[Door]) -> str:
        """The gateway beside the primary: where a client stands that the primary's outage hits hardest."""
        primary = self.lookout.leader.service
        provider = None if primary is None else self.setup.stack.service(primary).provider
        return next((door.name for door in doors if door.provider == provider), doors[0].name)

    def _probes(self, window_s: float) -> ProbeCount:
        window_ns = round(window_s * 1e9)
        return sum_of(self.load.live(window_ns=window_ns, until_ns=self.clock_ns(), on_time_ns=ON_TIME_NS))

    def _drain(self) -> None:
        load, agenda = self.load, self.world.agenda
        until_ns = agenda.now_ns + DRAIN_NS
        load.stop()
        agenda.wait_for(lambda: load.idle, within_ns=DRAIN_NS)
        unresolved = {order.client_order_id: order for order in load.take_unknown()}
        for number, (key, order) in enumerate(list(unresolved.items())):
            load.resolve(order, number, until_ns=until_ns, on_known=partial(unresolved.pop, key, None))
        agenda.wait_for(lambda: not unresolved, within_ns=max(0, until_ns - agenda.now_ns))
        self.record.emit(
            e.LoadDrained(
                at_ns=self.record.now(),
                operations=load.operations,
                unresolved=len(unresolved),
                late_ns_p99=0,
                late_ns_max=0,
            )
        )
