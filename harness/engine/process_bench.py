"""A stack under load: brought up, broken on request, frozen into a history, taken down.

A scenario plays on a bench, and so does a Python test. What happens goes into the journal; nothing else is remembered.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from copy import copy
from pathlib import Path
from queue import SimpleQueue
from random import Random
from typing import Final

from harness.engine.leader import Leader
from harness.engine.lookout import Lookout
from harness.engine.nemesis import Nemesis
from harness.engine.plans import (
    collect_plan,
    endpoints,
    first_gateway,
    gateways,
    load_settings,
    observer_plan,
)
from harness.engine.record import Record
from harness.engine.services import Services
from harness.engine.setup import Setup
from harness.engine.steady import judged
from harness.engine.tables import write_tables
from harness.faults.contract import Fault, Move
from harness.history.journal import Observer
from harness.load.live import sum_of
from harness.load.session import LoadSession
from harness.model import events as e
from harness.model.errors import StackUnhealthy
from harness.model.outcome import Outcome
from harness.model.stack_event import StackEvent
from harness.observe.session import collect
from harness.platforms.contract import Site

DRAIN_S: Final = 15.0
COLLECT_S: Final = 40.0
HEADSTART_S: Final = 0.15


class ProcessBench:
    """One stack for one run. Methods are called from one thread, in the order in which they stand here."""

    leaves_evidence: Final = True

    def __init__(self, setup: Setup, *, observers: tuple[Observer, ...] = ()) -> None:
        """Make the run's folder and begin its journal; nothing is started yet.

        Raises `UsageError` when the stack names no adapter, and `OSError` when there is no room for the folder.
        """
        self.setup = setup
        self._load_settings = load_settings(setup)
        self.record = Record(setup, observers=observers)
        self.lookout = Lookout(self.record)
        self.timed_out = False
        self.zero_ns: int | None = None
        self.phase = "starting the stack"
        self._services: Services | None = None
        self._load: LoadSession | None = None
        self._nemesis: Nemesis | None = None
        self._random = Random(setup.scenario.seed)  # noqa: S311  draws targets, no secrets
        self.record.begin()

    @property
    def services(self) -> Services:
        """What was started of the stack; only after `bring_up`."""
        if self._services is None:
            raise StackUnhealthy("the stack was not started")
        return self._services

    @property
    def site(self) -> Site:
        """Where the stack runs; only after `bring_up`."""
        return self.services.site

    @property
    def has_site(self) -> bool:
        """Whether anything was started that may need healing."""
        return self._nemesis is not None

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

    @property
    def leader(self) -> Leader:
        """Who leads, as far as the services have said."""
        return self.lookout.leader

    @property
    def inbox(self) -> SimpleQueue[StackEvent | None]:
        """Where events of the stack arrive."""
        return self.lookout.inbox

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
        return self.record.refused or self.load.problem() or self.site.problem()

    def bring_up(self) -> None:
        """Start the stack and everything around it, and wait until clients are connected to it.

        Raises `StackUnhealthy`, with the last lines of the services that did not get ready, or `AdapterError`.
        """
        began = time.monotonic_ns()
        setup, record = self.setup, self.record
        self._services = services = Services(setup, record, limit_passed=self._limit_passed)
        self._load = LoadSession(self._load_settings, record.folder.path)
        site = services.launch()
        self._nemesis = Nemesis(
            hands=site.hands,
            leases=services.leases,
            emit=record.emit,
            origin_ns=record.origin_ns,
            limit_s=setup.scenario.timeout_s,
        )
        observer = self.lookout.follow(observer_plan(setup, site, record.folder.path))
        services.guard([*(("load", pid) for pid in self._load.pids), ("observer", observer)])
        services.wait_ready()
        self._connect(site)
        self.lookout.watch_host(site.pids)
        providers = {entry.service: entry.provider for entry in setup.stack.entry_points}
        took_ns = time.monotonic_ns() - began
        record.emit(e.StackReady(at_ns=record.now(), took_ns=took_ns, entry_points=providers))
        record.sync()

    def begin_load(self) -> int:
        """Start the load; answers time zero on the host's monotonic clock."""
        self.phase = "playing the scenario"
        self.zero_ns = time.monotonic_ns() + round(HEADSTART_S * 1e9)
        self.load.begin(self.zero_ns)
        self.record.emit(e.LoadStarted(at_ns=self.zero_ns - self.record.origin_ns, workers=self.load.workers))
        return self.zero_ns

    def judge_steady_state(self) -> bool:
        """Whether the probes of the last `steady_state.for` fared as they should; tells it, too."""
        asked = self.setup.scenario.steady_state
        probes = sum_of(self.load.live(window_s=asked.for_s))
        event = judged(probes, asked, at_ns=self.record.now(), strain=_strain())
        self.record.emit(event)
        return event.outcome is Outcome.PASS

    def prepare(self, fault_id: str, fault: Fault) -> None:
        """Decide on a fault that is due soon, and secure its undo, so that only the change is left to make at its moment."""
        draws = copy(self._random)  # the fault itself draws at its moment, the same
        self.nemesis.prepare(fault_id, fault, self.leader.scene(self.setup.stack, draws))

    def inject(self, fault_id: str, fault: Fault, *, asked_ns: int | None = None) -> tuple[Move, ...]:
        """Apply a fault now; answers its later moves. `asked_ns` is on the run's clock."""
        scene = self.leader.scene(self.setup.stack, self._random)
        return self.nemesis.inject(fault_id, fault, scene, asked_ns=self._asked(asked_ns))

    def heal(self, fault_id: str, *, asked_ns: int | None = None) -> None:
        """Heal a fault; services that start again tell their readiness later. Raises `HealFailed`."""
        self.services.await_again(self.nemesis.heal(fault_id, asked_ns=self._asked(asked_ns)))

    def look_around(self) -> None:
        """Tell of services that ended since the last look."""
        self.services.look_around()

    def settle(self, *, by: str = "engine") -> None:
        """Heal whatever is still broken, and wait until every service is ready again. Raises `HealFailed`."""
        self.phase = f"healing, and waiting for services (at most {self.setup.stack.ready_within_s:g} s)"
        self.services.await_again(self.nemesis.heal_all(by=by))
        self.services.join()

    def freeze(self) -> None:
        """Drain the load, read what the stack holds, and write the tables: from here on the history stands."""
        self.phase = (
            f"draining the load (at most {DRAIN_S:g} s), then reading the end state (at most {COLLECT_S:g} s)"
        )
        summary = self.load.drain(timeout_s=DRAIN_S)
        self.record.emit(
            e.LoadDrained(
                at_ns=self.record.now(),
                operations=summary.operations,
                unresolved=summary.unresolved,
                late_ns_p99=summary.lateness.p99_ns,
                late_ns_max=summary.lateness.max_ns,
            )
        )
        finished = self.lookout.finish()
        plan = collect_plan(self.setup, self.site, self.record.folder.path)
        collection = collect(plan, timeout_s=COLLECT_S)
        self.look_around()
        self.record.emit(
            e.Collected(
                at_ns=self.record.now(),
                replicas=collection.replicas,
                quotes=finished.quotes,
                accounts=collection.accounts,
                missing=(*summary.missing, *finished.missing, *collection.missing),
            )
        )
        self.record.sync()
        write_tables(self.record.folder, origin_mono_ns=self.record.origin_ns)

    def tear_down(self) -> tuple[str, ...]:
        """End everything; answers what is left of the stack. Safe to call twice, and at any moment.

        Each step is taken even when the one before it fails; the last failure is raised at the end.
        """
        self.phase = "ending all processes"
        with ExitStack() as steps:  # they run from the last to the first
            steps.callback(self._close)
            if self._services is not None:
                steps.callback(self._services.stop)
            if self._load is not None:
                steps.callback(self._load.kill)
            steps.callback(self.lookout.stop)
        return self._left()

    def _close(self) -> None:
        self.record.close(left=self._left())

    def _left(self) -> tuple[str, ...]:
        return self._services.left if self._services is not None else ()

    def _connect(self, site: Site) -> None:
        stack = self.setup.stack
        self.lookout.poll_quotes(endpoints(stack, site, "pricing"))
        self.load.wait_loaded(timeout_s=20)
        self.lookout.await_leader()
        self.load.connect(gateways(stack, site), first_gateway=first_gateway(stack, self.leader))

    def _limit_passed(self) -> None:
        self.timed_out = True
        self.wake()

    def _asked(self, asked_ns: int | None) -> int:
        return self.record.now() if asked_ns is None else asked_ns


def _strain() -> str:
    """How busy the machine is, for a message."""
    return f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
