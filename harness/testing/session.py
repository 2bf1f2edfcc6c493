"""One stack under load for a Python test (or for several that share it): broken by hand, then frozen and judged."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Final

import msgspec
from pydantic import ValidationError

from harness.checks.judging import judge_all, read_expectations
from harness.checks.registry import all_checks
from harness.documents.reading import keys_of
from harness.engine.process_bench import ProcessBench
from harness.engine.setup import Setup
from harness.engine.verdict_file import write_verdicts
from harness.guardian.recovery import heal_orphans
from harness.guardian.stack_lock import stack_lock
from harness.history.meta import write_meta
from harness.history.run import Run, load_run
from harness.model.errors import UsageError
from harness.model.judgement import Judgement
from harness.model.quantities import Settings
from harness.report.names import properties_of
from harness.report.page import make_page
from harness.report.written import write_reports
from harness.stack.adapter import Address
from harness.stack.description import Service, Stack
from harness.testing.chaos import Chaos
from harness.testing.machine_lock import machine_to_itself
from harness.testing.mistakes import told
from harness.testing.outcomes import Inconclusive, Unhealed
from harness.testing.results import raise_for

# A failover is over when one good second has begun; the load goes on for as long after the last fault.
WATCH_S: Final = 1.5


class Session:
    """The first assertion drains the load and freezes the history; all of them judge that one history."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._cleanup = ExitStack()
        self._run: Run | None = None
        self._judged: dict[str, Any] = {}
        self._properties: list[tuple[str, object]] = []
        self.bench: ProcessBench | None = None
        self.chaos = Chaos(self._unfrozen)
        self.stack = RunningStack(self)

    def start(self) -> None:
        """Bring the stack up, under load and steady; takes it down again when that fails.

        Waits for other tests of this machine. Raises `StackUnhealthy` for a stack that doesn't get ready,
        `EnvironmentUnfit` for one that another run holds, and `Inconclusive` when the steady state fails.
        """
        try:
            self._cleanup.enter_context(machine_to_itself())
            heal_orphans()
            self._cleanup.enter_context(stack_lock(self._setup.stack))
            self.bench = ProcessBench(self._setup)
            self._cleanup.callback(self._tear_down)
            self.bench.bring_up()
            self.bench.begin_load()
            self._await_steady_state()
        except BaseException:
            self._cleanup.close()
            raise

    def close(self) -> None:
        """Take everything down and write the run's report. Safe to call twice. Raises `Unhealed` for what is left."""
        self._cleanup.close()

    def freeze(self) -> Run:
        """The history: the first call heals what is left, watches for late symptoms, drains the load and collects.

        Raises `UsageError` when the stack is not up, and `HealFailed`.
        """
        if self._run is None:
            bench = self._unfrozen()
            with self.chaos.stopped():
                bench.settle()
            self._watch(bench)
            bench.look_around()
            bench.freeze()
            self._run = load_run(bench.record.folder.path)
        return self._run

    def judge(self, expectations: Mapping[str, Any]) -> Judgement:
        """Judge the frozen history by expectations as a scenario writes them: `{"failover_time": {"max": "2s"}}`.

        Raises `AssertionError` for FAIL, `Inconclusive` for UNKNOWN, and `UsageError` for an expectation that is none.
        """
        __tracebackhide__ = True
        run = self.freeze()
        wanted = _read(expectations)
        self._judged |= expectations
        judgement = judge_all(run, wanted)
        self._properties += [("harness.run", str(run.path)), *properties_of(judgement.verdicts)]
        raise_for(run.meta, judgement, run_path=str(run.path))
        return judgement

    def take_properties(self) -> list[tuple[str, object]]:
        """The figures of what was judged since the last call, for JUnit."""
        taken, self._properties = self._properties, []
        return list(dict(taken).items())

    def _unfrozen(self) -> ProcessBench:
        if self.bench is None:
            raise UsageError("the stack is not up")
        if self._run is not None:
            raise UsageError(
                "the history is frozen: an assertion has drained the load",
                next_step="inject faults before the first one",
            )
        return self.bench

    def _await_steady_state(self) -> None:
        bench = self._unfrozen()
        assert bench.zero_ns is not None
        for_s = self._setup.scenario.steady_state.for_s
        time.sleep(max(0.0, (bench.zero_ns - time.monotonic_ns()) / 1e9 + for_s))
        if not bench.judge_steady_state():
            raise Inconclusive("the steady state before any fault failed; see the run's journal")

    def _watch(self, bench: ProcessBench) -> None:
        """Load after the last fault, so that a failover can be seen to end."""
        ends = bench.nemesis.last_change_ns
        assert bench.zero_ns is not None
        since = max(bench.zero_ns, ends if ends is not None else bench.zero_ns)
        time.sleep(max(0.0, WATCH_S - (time.monotonic_ns() - since) / 1e9))

    def _tear_down(self) -> None:
        assert self.bench is not None
        bench = self.bench
        with self.chaos.stopped():
            left = bench.tear_down()
        if self._run is not None:
            self._tell(bench)
        if left:
            raise Unhealed(f"the stack left something behind: {', '.join(left)}")

    def _tell(self, bench: ProcessBench) -> None:
        """Keep what was asked with the run, so that judging it again gives the same, and write its report."""
        document = {**bench.record.meta.document, "expect": self._judged}
        write_meta(bench.record.folder, msgspec.structs.replace(bench.record.meta, document=document))
        run = load_run(bench.record.folder.path)
        judgement = judge_all(run, read_expectations(self._judged))
        write_verdicts(bench.record.folder, judgement)
        write_reports(make_page(run, judgement), bench.record.folder.path)


def _read(expectations: Mapping[str, Any]) -> dict[str, Settings]:
    wanted: dict[str, Settings] = {}
    for name, value in expectations.items():
        try:
            wanted |= read_expectations({name: value})
        except ValidationError as error:
            keys = {key: key for key in keys_of(all_checks()[name].Expectation)}
            raise UsageError(
                f"this expectation can't be read: {name}: {told(error, keys)}",
                next_step="harness list --checks",
            ) from None
    return wanted


class RunningStack:
    """The stack as tests see it."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def description(self) -> Stack:
        """All that its compose file says."""
        return self._session._setup.stack

    @property
    def providers(self) -> tuple[str, ...]:
        """The names of all providers, sorted."""
        return self.description.providers

    @property
    def primary(self) -> Service:
        """The service that leads now, with its `provider`. Raises `Inconclusive` when nobody has said so."""
        bench = self._session.bench
        if bench is None or bench.leader.service is None:
            raise Inconclusive("no service has said that it leads")
        return self.description.service(bench.leader.service)

    @property
    def entry_points(self) -> Mapping[str, Address]:
        """Where clients dial each gateway, by its name: addresses of the fault proxy, so that faults are felt."""
        assert self._session.bench is not None
        return self._session.bench.site.entry_points
