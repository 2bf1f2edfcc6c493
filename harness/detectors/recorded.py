"""Finding recorded heartbeats: a file, a folder of files, or a run whose sentinels were asked to record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from harness.checks.struck import struck_services
from harness.detectors.trace import Trace
from harness.detectors.trace_file import SUFFIXES, Died, read_trace, told_by
from harness.history.run import load_run
from harness.model.errors import DocumentError, Problem, UsageError
from harness.model.events import FaultInjected, RunStarted, ServiceStarted
from harness.model.units import counted, format_ns

RECORDING: Final = "heartbeats*"
"""What recordings are called in a run's folder, wherever in it a service keeps its data."""
DEADLY: Final = frozenset({"provider_outage", "service_crash", "power_cut", "disk_wiped"})
"""Faults that take a sender away for good, as a watcher sees it; after others it was alive all the time."""


def recorded(path: Path) -> Trace:
    """The trace that lies at a path. Files of one folder are one trace: several watchers of the same senders.

    In a run's folder, deaths come from the run's journal. Raises `UsageError` or `DocumentError`.
    """
    trace = _at(path)
    if not trace.watched_ns:
        raise UsageError(
            f"{path}: no sender was heard for longer than a moment: nothing to measure",
            next_step="record for longer; each life of a sender is measured from its first heartbeat on",
        )
    return trace


def _at(path: Path) -> Trace:
    if not path.exists():
        raise UsageError(
            f"there is nothing at {path}", next_step="name a recording, or a folder of recordings"
        )
    if path.is_file():
        return read_trace(path)
    is_run = (path / "run.json").exists()
    pattern = RECORDING if is_run else "*"
    files = sorted(file for file in path.rglob(pattern) if file.name.endswith(SUFFIXES))
    if not files:
        raise UsageError(
            f"no heartbeats are recorded in {path}: it has no {pattern}.ndjson and no {pattern}.ndjson.gz",
            next_step="docs/detectors.md says how to record them",
        )
    deaths = deaths_of_run(path) if is_run else ()
    return _together(path.resolve().name, files, [read_trace(file, deaths=deaths) for file in files])


def deaths_of_run(folder: Path) -> tuple[Died, ...]:
    """When the faults of a run took senders away, on the machine's monotonic clock, in order of time."""
    run = load_run(folder)
    origin_ns = next((event.origin_mono_ns for event in run.events if isinstance(event, RunStarted)), None)
    if origin_ns is None:
        return ()
    services = {event.service for event in run.events if isinstance(event, ServiceStarted)}
    deaths = [
        Died(origin_ns + event.first_effect_ns, service)
        for event in run.events
        if isinstance(event, FaultInjected) and event.fault in DEADLY
        for service in sorted(struck_services(run, event.targets) & services)
    ]
    return tuple(sorted(deaths, key=lambda died: died.at_ns))


def _together(name: str, files: Sequence[Path], traces: Sequence[Trace]) -> Trace:
    heartbeat_ns = traces[0].heartbeat_ns
    for file, trace in zip(files, traces, strict=True):
        if trace.heartbeat_ns != heartbeat_ns:
            other = f"{format_ns(trace.heartbeat_ns)}, but {files[0].name} has {format_ns(heartbeat_ns)}"
            problem = Problem(str(file), 1, 1, f"its heartbeats come every {other}")
            raise DocumentError((problem,), next_step="measure them apart")
    lives = tuple(life for trace in traces for life in trace.lives)
    torn = sum(trace.torn for trace in traces)
    told = told_by(counted(len(traces), "watcher"), torn=torn)
    return replace(traces[0], name=name, told=told, lives=lives, torn=torn)
