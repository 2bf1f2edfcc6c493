"""A stack under load, with everything that watches it: brought up, broken on request, frozen into a history, taken down.

A scenario plays on a bench, and so does a Python test. What happens goes into the journal; nothing else is remembered.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from random import Random
from typing import Final

from harness.engine.contention import ContentionWatch
from harness.engine.leader import Leader
from harness.engine.machine import machine_facts, versions
from harness.engine.nemesis import Nemesis
from harness.engine.setup import Setup
from harness.engine.stall import StallWatch
from harness.engine.tables import write_tables
from harness.faults.contract import Fault, Move
from harness.faults.scene import Scene
from harness.guardian.identity import look
from harness.guardian.leases import GuardianLeases
from harness.guardian.mending import HealReport
from harness.history.folder import RunFolder, create_run_folder
from harness.history.journal import JournalWriter, Observer
from harness.history.meta import RunMeta, write_meta
from harness.load.live import sum_of
from harness.load.plan import GatewayAddress
from harness.load.session import LoadSession, LoadSettings
from harness.model import events as e
from harness.model.errors import HarnessError, StackUnhealthy
from harness.model.outcome import Outcome
from harness.model.stack_event import StackEvent
from harness.model.undo import SignalProcess
from harness.observe.plan import CollectPlan, Endpoint, ObserverPlan, Saw, ServiceLog
from harness.observe.session import ObserverSession, collect
from harness.platforms.contract import Launch, Site

DRAIN_S: Final = 15.0
COLLECT_S: Final = 40.0
LEADER_WITHIN_S: Final = 2.0
HEADSTART_S: Final = 0.15


class Bench:
    """One stack for one run. Methods are called from one thread, in the order in which they stand here."""

    def __init__(self, setup: Setup, *, observers: tuple[Observer, ...] = ()) -> None:
        """Make the run's folder and begin its journal; nothing is started yet.

        Raises `UsageError` when the stack names no adapter, and `OSError` when there is no room for the folder.
        """
        self.setup = setup
        self._adapter = setup.adapter
        self._over = False
        self.origin_ns = time.monotonic_ns()
        self.leader = Leader()
        self.inbox: SimpleQueue[StackEvent | None] = SimpleQueue()
        self.timed_out = False
        self.zero_ns: int | None = None
        started = datetime.now(UTC)
        # Absolute: the processes of the stack work in the folder of its compose file, not in ours.
        self.folder: RunFolder = create_run_folder(setup.out.absolute(), setup.scenario.id, started=started)
        self.meta = run_meta(setup, self.folder, started)
        write_meta(self.folder, self.meta)
        self.journal = JournalWriter(self.folder.journal)
        for observer in observers:
            self.journal.subscribe(observer)
        self._leases: GuardianLeases | None = None
        self._children: str | None = None
        self._broken = ""
        self.phase = "starting the stack"
        self._contention: ContentionWatch | None = None
        self._load: LoadSession | None = None
        self._observer: ObserverSession | None = None
        self._watch: StallWatch | None = None
        self._site: Site | None = None
        self._nemesis: Nemesis | None = None
        self._restarting: list[threading.Thread] = []
        self._left: tuple[str, ...] = ()
        self._random = Random(setup.scenario.seed)  # noqa: S311  draws targets, no secrets
        self.emit(
            e.RunStarted(
                at_ns=0,
                run_id=self.meta.run_id,
                scenario=setup.scenario.name,
                seed=setup.scenario.seed,
                platform=setup.platform.name,
                stack=setup.stack.name,
                origin_mono_ns=self.origin_ns,
                document=self.meta.document,
            )
        )

    @property
    def site(self) -> Site:
        """Where the stack runs; only after `bring_up`."""
        if self._site is None:
            raise StackUnhealthy("the stack was not started")
        return self._site

    @property
    def has_site(self) -> bool:
        """Whether anything was started that may need healing."""
        return self._site is not None and self._nemesis is not None

    @property
    def nemesis(self) -> Nemesis:
        """What applies and heals faults; only after `bring_up`."""
        if self._nemesis is None:
            raise StackUnhealthy("the stack was not started")
        return self._nemesis

    @property
    def load(self) -> LoadSession:
        """The load; only after `bring_up`."""
        if self._load is None:
            raise StackUnhealthy("the load was not started")
        return self._load

    def wake(self) -> None:
        """Let whoever waits for an event look up; may be called from a signal handler."""
        self.inbox.put(None)

    def clock_ns(self) -> int:
        """The host's monotonic clock."""
        return time.monotonic_ns()

    def availability(self, window_s: float) -> float | None:
        """The share of the probes of the last seconds that were answered in time; None when none was due."""
        total = sum_of(self.load.live(window_s=window_s))
        return total.availability if total.scheduled else None

    def beyond_healing(self) -> bool:
        """Whether the proxy that carried the cuts is gone, and the cuts with it."""
        return bool(self.site.problem())

    def save_evidence(self, directory: Path) -> None:
        """Keep what the services hold, as far as it can be had."""
        self.site.save_evidence(directory)

    def problem(self) -> str:
        """Why this run can't go on: a load worker, a part of the site or the disk failed; empty while all is well."""
        return self._broken or self.load.problem() or self.site.problem()

    def now(self) -> int:
        """Nanoseconds on the run's clock."""
        return time.monotonic_ns() - self.origin_ns

    def emit(self, event: e.Event) -> None:
        """Write one event into the journal; safe from any thread. A straggler's, after the end, is dropped."""
        if self._over:
            return
        try:
            self.journal.append(event)
        except ValueError:
            if not self._over:
                raise

    def _emit_aside(self, event: e.Event) -> None:
        """Write an event from a thread that nobody waits for: a disk that refuses stops the run, not the thread."""
        try:
            self.emit(event)
        except OSError as error:
            self._broken = self._broken or f"the journal can't be written: {error.strerror or error}"

    def bring_up(self) -> None:
        """Start the stack and everything around it, and wait until clients are connected to it.

        Raises `StackUnhealthy`, with the last lines of the services that did not get ready, or `AdapterError`.
        """
        began = time.monotonic_ns()
        setup = self.setup
        self._leases = GuardianLeases(on_healed=self._healed_by_guardian)
        self._load = LoadSession(_load_settings(setup), self.folder.path)
        self._site = setup.platform.launch(
            Launch(
                stack=setup.stack,
                run_dir=self.folder.path,
                seed=setup.scenario.seed,
                leases=self._leases,
                limit_s=setup.scenario.timeout_s,
                environment=setup.environment,
            )
        )
        self._nemesis = Nemesis(
            hands=self._site.hands,
            leases=self._leases,
            emit=self.emit,
            origin_ns=self.origin_ns,
            limit_s=setup.scenario.timeout_s,
        )
        self._tell_services()
        self._observe()
        self._guard_children()
        self._site.wait_ready(within_s=setup.stack.ready_within_s, each=self._ready)
        self._connect()
        self._watch = StallWatch(self._stack_cpu_ns, self._stalled)
        self._watch.start()
        self._contention = ContentionWatch(
            lambda share: self._emit_aside(e.HostContended(at_ns=self.now(), share=round(share, 3)))
        )
        self._contention.start()
        providers = {entry.service: entry.provider for entry in setup.stack.entry_points}
        self.emit(e.StackReady(at_ns=self.now(), took_ns=time.monotonic_ns() - began, entry_points=providers))
        self.journal.sync()

    def begin_load(self) -> int:
        """Start the load; answers time zero on the host's monotonic clock."""
        self.phase = "playing the scenario"
        self.zero_ns = time.monotonic_ns() + round(HEADSTART_S * 1e9)
        self.load.begin(self.zero_ns)
        self.emit(e.LoadStarted(at_ns=self.zero_ns - self.origin_ns, workers=self.load.workers))
        return self.zero_ns

    def judge_steady_state(self) -> bool:
        """Whether the probes of the last `steady_state.for` fared as they should; tells it, too."""
        steady = self.setup.scenario.steady_state
        total = sum_of(self.load.live(window_s=steady.for_s))
        held = total.scheduled > 0 and steady.availability.admits(total.availability)
        self.emit(
            e.SteadyStateJudged(
                at_ns=self.now(),
                outcome=Outcome.PASS if held else Outcome.UNKNOWN,
                summary=f"{total.on_time} of {total.scheduled} probes on time in {steady.for_s:g} s"
                + ("" if held else f", at least {steady.availability.min or 0:.1%} asked; {_strain()}"),
            )
        )
        return held

    def scene(self) -> Scene:
        """Who leads, now."""
        leader = self.leader
        return Scene(
            stack=self.setup.stack,
            random=Random(self._random.getrandbits(64)),  # noqa: S311  draws targets, no secrets
            primary=leader.service,
            candidate=leader.candidate,
            epoch=leader.epoch,
        )

    def inject(self, fault_id: str, fault: Fault, *, asked_ns: int | None = None) -> tuple[Move, ...]:
        """Apply a fault now; answers its later moves. `asked_ns` is on the run's clock."""
        return self.nemesis.inject(
            fault_id, fault, self.scene(), asked_ns=self.now() if asked_ns is None else asked_ns
        )

    def heal(self, fault_id: str, *, asked_ns: int | None = None) -> None:
        """Heal a fault; services that start again tell their readiness later. Raises `HealFailed`."""
        touched = self.nemesis.heal(fault_id, asked_ns=self.now() if asked_ns is None else asked_ns)
        self._await_again(touched)

    def look_around(self) -> None:
        """Tell of services that ended since the last look."""
        for exit_ in self.site.exits():
            self.emit(
                e.ServiceExited(
                    at_ns=exit_.mono_ns - self.origin_ns,
                    service=exit_.service,
                    expected=exit_.expected or self._allowed(exit_.service),
                    code=exit_.code,
                )
            )

    def settle(self, *, by: str = "engine") -> None:
        """Heal whatever is still broken, and wait until every service is ready again. Raises `HealFailed`."""
        self.phase = f"healing, and waiting for services (at most {self.setup.stack.ready_within_s:g} s)"
        touched = self.nemesis.heal_all(by=by)
        self._await_again(touched)
        for thread in self._restarting:
            thread.join(self.setup.stack.ready_within_s + 1)
        self._restarting = []

    def freeze(self) -> None:
        """Drain the load, read what the stack holds, and write the tables: from here on the history stands."""
        self.phase = (
            f"draining the load (at most {DRAIN_S:g} s), then reading the end state (at most {COLLECT_S:g} s)"
        )
        summary = self.load.drain(timeout_s=DRAIN_S)
        self.emit(
            e.LoadDrained(
                at_ns=self.now(),
                operations=summary.operations,
                unresolved=summary.unresolved,
                late_ns_p99=summary.lateness.p99_ns,
                late_ns_max=summary.lateness.max_ns,
            )
        )
        finished = self._observer.finish() if self._observer is not None else None
        collection = collect(self._collect_plan(), timeout_s=COLLECT_S)
        self.look_around()
        self.emit(
            e.Collected(
                at_ns=self.now(),
                replicas=collection.replicas,
                quotes=finished.quotes if finished is not None else 0,
                accounts=collection.accounts,
                missing=(*summary.missing, *(finished.missing if finished else ()), *collection.missing),
            )
        )
        self.journal.sync()
        write_tables(self.folder, origin_mono_ns=self.origin_ns)

    def tear_down(self) -> tuple[str, ...]:
        """End everything; answers what is left of the stack. Safe to call twice, and at any moment.

        Each step is taken even when the one before it fails (a full disk); the first failure is raised at the end.
        """
        self.phase = "ending all processes"
        with ExitStack() as steps:  # they run from the last to the first
            steps.callback(self._close_journal)
            if self._leases is not None:
                steps.callback(self._leases.close)
            if self._site is not None:
                steps.callback(self._stop_site, self._site)
            if self._leases is not None and self._children is not None:
                steps.callback(self._leases.release, self._children)
            if self._observer is not None:
                steps.callback(self._observer.kill)
            if self._load is not None:
                steps.callback(self._load.kill)
            if self._watch is not None:
                steps.callback(self._watch.stop)
            if self._contention is not None:
                steps.callback(self._contention.stop)
        return self._left

    def _stop_site(self, site: Site) -> None:
        self._left = site.stop()

    def _close_journal(self) -> None:
        try:
            self.emit(e.StackStopped(at_ns=self.now(), left=self._left))
            self.emit(e.RunEnded(at_ns=self.now()))
        finally:
            self._over = True
            self.journal.close()

    def _tell_services(self) -> None:
        pids = self.site.pids()
        for service in self.setup.stack.services:
            self.emit(
                e.ServiceStarted(
                    at_ns=self.now(),
                    service=service.name,
                    provider=service.provider,
                    role=service.role,
                    pid=pids.get(service.name),
                )
            )

    def _observe(self) -> None:
        logs = tuple(ServiceLog(service, str(path)) for service, path in self.site.logs.items())
        plan = ObserverPlan(adapter=self._adapter, folder=str(self.folder.path), logs=logs, base=self._base())
        self._observer = ObserverSession(plan, on_event=self._saw)

    def _guard_children(self) -> None:
        """They end with their input; the guardian makes sure, also of one that is busy when this process is killed."""
        assert self._leases is not None
        named = [("load", pid) for pid in self.load.pids]
        if self._observer is not None:
            named.append(("observer", self._observer.pid))
        seen = [(name, pid, look(pid)) for name, pid in named]
        undos = tuple(
            SignalProcess(pid, found.create_time, "SIGKILL", service=name)
            for name, pid, found in seen
            if found is not None
        )
        self._children = self._leases.grant("load and observer", undos, limit_s=self.setup.scenario.timeout_s)

    def _connect(self) -> None:
        if self._observer is not None:
            self._observer.wait_watching(timeout_s=10)
            self._observer.poll_quotes(self._endpoints("pricing"))
        self.load.wait_loaded(timeout_s=20)
        until = time.monotonic() + LEADER_WITHIN_S
        while self.leader.service is None and time.monotonic() < until:
            time.sleep(0.005)  # the ready stack has a leader; its word is on the way through the observer
        gateways = [
            GatewayAddress(entry.service, entry.provider, *self.site.entry_points[entry.service])
            for entry in self.setup.stack.entry_points
        ]
        self.load.connect(gateways, first_gateway=self._first_gateway(gateways))

    def _first_gateway(self, gateways: list[GatewayAddress]) -> str:
        """The gateway beside the primary: where a client stands that the primary's outage hits hardest."""
        primary = self.leader.service
        provider = None if primary is None else self.setup.stack.service(primary).provider
        return next((gateway.name for gateway in gateways if gateway.provider == provider), gateways[0].name)

    def _endpoints(self, role: str) -> list[Endpoint]:
        return [
            Endpoint(service.name, service.provider, *self.site.observed[service.name])
            for service in self.setup.stack.by_role(role)
            if service.name in self.site.observed
        ]

    def _collect_plan(self) -> CollectPlan:
        entry_points = tuple(
            Endpoint(entry.service, entry.provider, *self.site.entry_points[entry.service])
            for entry in self.setup.stack.entry_points
        )
        return CollectPlan(
            adapter=self._adapter,
            folder=str(self.folder.path),
            engines=tuple(self._endpoints("engine")),
            entry_points=entry_points,
            base=self._base(),
        )

    def _base(self) -> str:
        return str(self.setup.stack.path.resolve().parent)

    def _saw(self, saw: Saw) -> None:
        event = saw.event
        self.leader = self.leader.after(event)
        self._emit_aside(
            e.StackSaid(
                at_ns=event.mono_ns - self.origin_ns, seen_ns=saw.seen_ns - self.origin_ns, event=event
            )
        )
        self.inbox.put(event)

    def _ready(self, service: str) -> None:
        self.emit(e.ServiceReady(at_ns=self.now(), service=service))

    def _await_again(self, touched: tuple[str, ...]) -> None:
        services = tuple(name for name in touched if name in self.setup.stack.service_names)
        if services:
            thread = threading.Thread(target=self._wait_for, args=(services,), name="readiness", daemon=True)
            thread.start()
            self._restarting.append(thread)

    def _wait_for(self, services: tuple[str, ...]) -> None:
        within_s = self.setup.stack.ready_within_s
        try:
            self.site.wait_ready(within_s=within_s, services=services, each=self._ready)
        except HarnessError:
            lines = {service: self.site.last_lines(service) for service in services}
            self.emit(
                e.PhaseTimedOut(
                    at_ns=self.now(), phase="ready again", limit_ns=round(within_s * 1e9), last_lines=lines
                )
            )

    def _healed_by_guardian(self, report: HealReport) -> None:
        """The limit of a lease has passed: the guardian has healed it, and the run is over."""
        self.timed_out = True
        limit_ns = round(self.setup.scenario.timeout_s * 1e9)
        lines = {service.name: self.site.last_lines(service.name) for service in self.setup.stack.services}
        self.emit(
            e.PhaseTimedOut(
                at_ns=self.now(), phase=f"run ({report.name})", limit_ns=limit_ns, last_lines=lines
            )
        )
        self.inbox.put(None)

    def _allowed(self, service: str) -> bool:
        allowed = self.setup.scenario.allow.exits
        return service in allowed or self.setup.stack.service(service).role in allowed

    def _stalled(self, mono_ns: int, stall_ns: int, stack_cpu_ns: int) -> None:
        self._emit_aside(
            e.HostStalled(at_ns=mono_ns - self.origin_ns, stall_ns=stall_ns, stack_cpu_ns=stack_cpu_ns)
        )

    def _stack_cpu_ns(self) -> int:
        import psutil

        total = 0.0
        for pid in self.site.pids().values():
            try:
                times = psutil.Process(pid).cpu_times()
            except psutil.Error:
                continue
            total += times.user + times.system
        return round(total * 1e9)


def _strain() -> str:
    """How busy the machine is, for a message."""
    return f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"


def _load_settings(setup: Setup) -> LoadSettings:
    load = setup.scenario.load
    return LoadSettings(
        adapter=setup.adapter,
        seed=setup.scenario.seed,
        profile=load.profile,
        orders_per_s=load.orders_per_s,
        probe_every_ns=round(load.probe_every_ms * 1e6),
        base=str(setup.stack.path.resolve().parent),
    )


def run_meta(setup: Setup, folder: RunFolder, started: datetime) -> RunMeta:
    """What is known of a run when it begins."""
    scenario, stack = setup.scenario, setup.stack
    return RunMeta(
        run_id=folder.path.name,
        scenario=scenario.name,
        seed=scenario.seed,
        platform=setup.platform.name,
        stack=stack.name,
        started_at=started.isoformat(timespec="seconds"),
        file=_shown(scenario.path),
        variables=dict(scenario.variant),
        document=scenario.resolved_document(),
        providers=stack.providers,
        entry_points={entry.service: entry.provider for entry in stack.entry_points},
        waives=dict(stack.waives),
        versions=versions(),
        machine=machine_facts(),
        capabilities=tuple(sorted(setup.platform.capabilities())),
        defect=setup.defect,
        overrides=setup.overrides,
        stack_file=setup.stack_file,
        test=setup.test,
    )


def _shown(path: Path) -> str:
    """A path as the person would write it: relative to where they are, when it is below."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
