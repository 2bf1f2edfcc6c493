"""The load of one run, as the engine holds it: starts the processes, begins, watches, drains, ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from harness.load.lateness import worst
from harness.load.live import LiveProbes, ProbeCount
from harness.load.plan import (
    Command,
    Connect,
    Connected,
    Drained,
    Failed,
    FlowPlan,
    GatewayAddress,
    Lateness,
    Loaded,
    ProbePlan,
    Said,
    Stop,
    WorkerPlan,
)
from harness.load.policy import MOVING, PINNED, ReconnectPolicy
from harness.load.profiles import profile_named
from harness.load.records import RecordTail, records_path
from harness.model.errors import AdapterError
from harness.stack.adapter_process import AdapterProcess

MODULE: Final = "harness.load.worker"
PROBES: Final = "probes"
OPERATIONS_A_WORKER: Final = 10**12
ON_TIME_NS: Final = 250 * 10**6
ON_RECORD_NS: Final = 50 * 10**6  # until a completed probe is on record: workers write every 20 ms
LAST_WORDS_S: Final = 1.0  # of a drain's time: for the answer to be written, and the process to end

Word = TypeVar("Word", Loaded, Connected, Drained)


class LoadSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What load to make. `base` is the folder of the stack's compose file; `workers` share the order flow."""

    adapter: str
    seed: int
    profile: str = "steady"
    orders_per_s: float = 200.0
    workers: int = 1
    probe_every_ns: int = 20 * 10**6
    base: str = "."
    moving: ReconnectPolicy = MOVING
    pinned: ReconnectPolicy = PINNED


class LoadSummary(msgspec.Struct, frozen=True, kw_only=True):
    """How the load ended. `missing` names the workers that could not tell, with the reason."""

    operations: int
    unknown: int
    unresolved: int
    lateness: Lateness
    workers: tuple[Drained, ...]
    missing: tuple[str, ...] = ()


class _Child:
    """One load process, and what it has said."""

    def __init__(self, plan: WorkerPlan, folder: Path) -> None:
        self.worker = plan.worker
        self.said: list[Said] = []
        self._news = threading.Condition()
        self._over = False
        self.process = AdapterProcess(MODULE, plan, folder / f"load-{plan.worker}.json", on_line=self._hear)

    def await_word(self, kind: type[Word], *, until_s: float) -> Word:
        """The first such word; raises `AdapterError` when the process failed, ended or took too long."""

        def settled() -> bool:
            return self._over or any(isinstance(each, kind | Failed) for each in self.said)

        with self._news:
            self._news.wait_for(settled, timeout=max(0.0, until_s - time.monotonic()))
        for each in self.said:
            if isinstance(each, kind):
                return each
            if isinstance(each, Failed):
                raise AdapterError(each.reason)
        raise AdapterError(self._why_not(kind.__name__.lower()))

    def problem(self) -> str:
        """Why this worker is of no more use; empty while it works."""
        failed = [each.reason for each in self.said if isinstance(each, Failed)]
        if failed:
            return f"{self.worker}: {failed[0]}"
        return self._why_not("drained") if self._over and not self._drained() else ""

    def _drained(self) -> bool:
        return any(isinstance(each, Drained) for each in self.said)

    def _why_not(self, word: str) -> str:
        code = self.process.exit_code
        state = "gave no answer in time" if code is None else f"ended with code {code}"
        words = self.process.last_words()
        return f"load worker {self.worker} {state} before it was {word}" + (f":\n{words}" if words else "")

    def _hear(self, line: bytes | None) -> None:
        with self._news:
            if line is None:
                self._over = True
            else:
                self.said.append(msgspec.json.decode(line, type=Said))
            self._news.notify_all()


class LoadSession:
    """The load processes of one run. Methods block, and may be called from any one thread at a time."""

    def __init__(self, settings: LoadSettings, folder: Path) -> None:
        """Start the processes, which begin to import; raises `UsageError` for a profile that doesn't exist.

        Plans, records and error output go into `folder`.
        """
        profile_named(settings.profile)
        self.settings = settings
        self._children = [_Child(plan, folder) for plan in worker_plans(settings, folder)]
        self._tail = RecordTail(records_path(folder, PROBES))
        self._live = LiveProbes(every_ns=settings.probe_every_ns)
        self.policies: dict[str, str] = {}

    @property
    def pids(self) -> tuple[int, ...]:
        return tuple(child.process.pid for child in self._children)

    @property
    def workers(self) -> int:
        return len(self._children)

    def wait_loaded(self, *, timeout_s: float) -> None:
        """Wait until every process can be told where to connect; raises `AdapterError`."""
        self._await_all(Loaded, timeout_s)

    def connect(
        self, gateways: Sequence[GatewayAddress], *, first_gateway: str, timeout_s: float = 10.0
    ) -> None:
        """Connect every client to its gateway; raises `AdapterError` that says which could not.

        `first_gateway` is where the reconnecting client begins: the gateway of the primary's provider.
        """
        self._tell(Command(connect=Connect(tuple(gateways), first_gateway, timeout_s)))
        for connected in self._await_all(Connected, timeout_s + LAST_WORDS_S):
            self.policies.update(connected.policies)

    def begin(self, start_mono_ns: int) -> None:
        """Time zero of the load, on the monotonic clock; some tens of milliseconds ahead, to be met."""
        self._tell(Command(start_mono_ns=start_mono_ns))

    def live(
        self,
        *,
        window_s: float,
        now_ns: Callable[[], int] = time.monotonic_ns,
        on_time_ns: int = ON_TIME_NS,
    ) -> dict[str, ProbeCount]:
        """The probes of the latest window whose deadline is over: by gateway, and `reconnect`."""
        self._live.feed(self._tail.read())
        to_ns = now_ns() - on_time_ns - ON_RECORD_NS
        return self._live.counts(from_ns=to_ns - int(window_s * 1e9), to_ns=to_ns, deadline_ns=on_time_ns)

    def problem(self) -> str:
        """Why the load is no longer what was asked for (a worker failed or died); empty while all is well."""
        return next((problem for child in self._children if (problem := child.problem())), "")

    def drain(self, *, timeout_s: float) -> LoadSummary:
        """Stop the flow, settle what is unknown, end the processes. Never raises for a worker that fails."""
        self._tell(Command(stop=Stop(max(0.1, timeout_s - LAST_WORDS_S))))
        until_s = time.monotonic() + timeout_s
        drained: list[Drained] = []
        missing: list[str] = []
        for child in self._children:
            try:
                drained.append(child.await_word(Drained, until_s=until_s))
            except AdapterError as error:
                missing.append(f"{child.worker}: {error.message}")
        self.kill()
        return LoadSummary(
            operations=sum(each.operations for each in drained),
            unknown=sum(each.unknown for each in drained),
            unresolved=sum(each.unresolved for each in drained),
            lateness=worst(each.lateness for each in drained),
            workers=tuple(drained),
            missing=tuple(missing),
        )

    def kill(self) -> None:
        """End all processes now; records that were handed to the system stay. Safe to call twice."""
        for child in self._children:
            child.process.end()

    def _tell(self, command: Command) -> None:
        for child in self._children:
            child.process.tell(command)

    def _await_all(self, kind: type[Word], timeout_s: float) -> list[Word]:
        until_s = time.monotonic() + timeout_s
        return [child.await_word(kind, until_s=until_s) for child in self._children]


def worker_plans(settings: LoadSettings, folder: Path) -> list[WorkerPlan]:
    """The order flow in equal shares, and the prober in a process of its own, so that neither delays the other."""

    def plan(number: int, worker: str, flow: FlowPlan | None, probes: ProbePlan | None) -> WorkerPlan:
        return WorkerPlan(
            worker=worker,
            first_op=number * OPERATIONS_A_WORKER,
            adapter=settings.adapter,
            folder=str(folder),
            seed=settings.seed,
            flow=flow,
            probes=probes,
            base=settings.base,
            moving=settings.moving,
            pinned=settings.pinned,
        )

    share = FlowPlan(profile=settings.profile, per_s=settings.orders_per_s / settings.workers)
    flows = [plan(number, f"flow-{number}", share, None) for number in range(settings.workers)]
    return [*flows, plan(settings.workers, PROBES, None, ProbePlan(every_ns=settings.probe_every_ns))]
