"""The services of a stack for one run: started under the guardian's leases, told of when they come and go, ended."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack

from harness.engine.record import Record
from harness.engine.setup import Setup
from harness.guardian.identity import look
from harness.guardian.leases import GuardianLeases
from harness.guardian.mending import HealReport
from harness.model import events as e
from harness.model.errors import HarnessError, StackUnhealthy
from harness.model.undo import SignalProcess
from harness.platforms.contract import Launch, Site


class Services:
    """Everything of a stack that can be started, can end and can be left behind."""

    def __init__(self, setup: Setup, record: Record, *, limit_passed: Callable[[], None]) -> None:
        """Start the guardian, and nothing else.

        `limit_passed` is called, on another thread, when the run has taken longer than it may: the guardian has then
        healed, and the run is over. Raises `EnvironmentUnfit` when leases can't be written.
        """
        self._setup = setup
        self._record = record
        self._limit_passed = limit_passed
        self._site: Site | None = None
        self._children: str | None = None
        self._restarting: list[threading.Thread] = []
        self.left: tuple[str, ...] = ()
        self.leases = GuardianLeases(on_healed=self._healed_by_guardian)

    @property
    def site(self) -> Site:
        """Where the stack runs; only after `launch`."""
        if self._site is None:
            raise StackUnhealthy("the stack was not started")
        return self._site

    def launch(self) -> Site:
        """Start them all; none is ready yet. Raises `EnvironmentUnfit` or `StackUnhealthy`."""
        setup = self._setup
        self._site = setup.platform.launch(
            Launch(
                stack=setup.stack,
                run_dir=self._record.folder.path,
                seed=setup.scenario.seed,
                leases=self.leases,
                limit_s=setup.scenario.timeout_s,
                environment=setup.environment,
            )
        )
        pids = self._site.pids()
        for service in setup.stack.services:
            self._record.emit(
                e.ServiceStarted(
                    at_ns=self._record.now(),
                    service=service.name,
                    provider=service.provider,
                    role=service.role,
                    pid=pids.get(service.name),
                )
            )
        return self._site

    def guard(self, children: Iterable[tuple[str, int]]) -> None:
        """Have the guardian end our own processes around the stack, each with its name and process id.

        They end with their input; this is for one that is busy when this process is killed.
        """
        seen = [(name, pid, look(pid)) for name, pid in children]
        undos = tuple(
            SignalProcess(pid, found.create_time, "SIGKILL", service=name)
            for name, pid, found in seen
            if found is not None
        )
        limit_s = self._setup.scenario.timeout_s
        self._children = self.leases.grant("load and observer", undos, limit_s=limit_s)

    def wait_ready(self) -> None:
        """Wait until each is ready, and tell it; raises `StackUnhealthy` with the last lines of those that are not."""
        self.site.wait_ready(within_s=self._setup.stack.ready_within_s, each=self._ready)

    def await_again(self, touched: Iterable[str]) -> None:
        """Tell, as soon as it happens, that those of these which are services are ready again after a heal."""
        names = tuple(name for name in touched if name in self._setup.stack.service_names)
        if names:
            thread = threading.Thread(target=self._wait_for, args=(names,), name="readiness", daemon=True)
            thread.start()
            self._restarting.append(thread)

    def join(self) -> None:
        """Wait until all that were started again are ready, or had the time to be."""
        for thread in self._restarting:
            thread.join(self._setup.stack.ready_within_s + 1)
        self._restarting = []

    def look_around(self) -> None:
        """Tell of services that ended since the last look."""
        for exit_ in self.site.exits():
            self._record.emit(
                e.ServiceExited(
                    at_ns=exit_.mono_ns - self._record.origin_ns,
                    service=exit_.service,
                    expected=exit_.expected or self._allowed(exit_.service),
                    code=exit_.code,
                )
            )

    def stop(self) -> None:
        """End them all, and let the guardian go; `left` is what is still there. Safe to call twice.

        Each step is taken even when the one before it fails; the last failure is raised at the end.
        """
        with ExitStack() as steps:  # they run from the last to the first
            steps.callback(self.leases.close)
            if self._site is not None:
                steps.callback(self._stop_site, self._site)
            if self._children is not None:
                steps.callback(self.leases.release, self._children)

    def _stop_site(self, site: Site) -> None:
        self.left = site.stop()

    def _ready(self, service: str) -> None:
        self._record.emit(e.ServiceReady(at_ns=self._record.now(), service=service))

    def _wait_for(self, services: tuple[str, ...]) -> None:
        within_s = self._setup.stack.ready_within_s
        try:
            self.site.wait_ready(within_s=within_s, services=services, each=self._ready)
        except HarnessError:
            self._timed_out("ready again", within_s, services)

    def _healed_by_guardian(self, report: HealReport) -> None:
        self._timed_out(
            f"run ({report.name})", self._setup.scenario.timeout_s, self._setup.stack.service_names
        )
        self._limit_passed()

    def _timed_out(self, phase: str, limit_s: float, services: Iterable[str]) -> None:
        site = self._site
        lines = {service: site.last_lines(service) for service in services} if site is not None else {}
        limit_ns = round(limit_s * 1e9)
        self._record.emit(
            e.PhaseTimedOut(at_ns=self._record.now(), phase=phase, limit_ns=limit_ns, last_lines=lines)
        )

    def _allowed(self, service: str) -> bool:
        allowed = self._setup.scenario.allow.exits
        return service in allowed or self._setup.stack.service(service).role in allowed
