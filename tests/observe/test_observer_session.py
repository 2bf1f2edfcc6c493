"""The observing processes end to end."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from toy_observed import write_state

from harness.model.errors import AdapterError
from harness.observe.files import read_quotes, read_replicas
from harness.observe.plan import CollectPlan, Endpoint, ObserverPlan, Saw, ServiceLog
from harness.observe.session import ObserverSession, collect

pytestmark = pytest.mark.processes

HERE = Path(__file__).parent
SERVICES = [f"service-{number}" for number in range(18)]


@pytest.fixture
def events() -> list[Saw]:
    return []


@pytest.fixture
def observe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, events: list[Saw]
) -> Iterator[Callable[..., ObserverSession]]:
    monkeypatch.setenv("TOY_STATE", str(tmp_path))
    started: list[ObserverSession] = []

    def start(adapter: str = "Watched") -> ObserverSession:
        plan = ObserverPlan(
            adapter=f"toy_observed:{adapter}",
            folder=str(tmp_path),
            logs=tuple(ServiceLog(service, str(tmp_path / f"{service}.log")) for service in SERVICES),
            base=str(HERE),
            quotes_every_s=0.05,
        )
        started.append(ObserverSession(plan, on_event=events.append))
        return started[-1]

    yield start
    for session in started:
        session.kill()


def tell(folder: Path, service: str, epoch: int) -> None:
    line = json.dumps({"event": "primary_promoted", "mono_ns": time.monotonic_ns(), "epoch": epoch})
    with (folder / f"{service}.log").open("ab", buffering=0) as log:
        log.write(line.encode() + b"\n")


def test_events_arrive_within_milliseconds(
    observe: Callable[..., ObserverSession], events: list[Saw], tmp_path: Path
) -> None:
    session = observe()
    session.wait_watching(timeout_s=10)
    assert session.capabilities == ("Leadership", "Quotes", "DropCopy", "Accounts")
    arrived = threading.Event()
    for epoch in range(60):
        tell(tmp_path, SERVICES[epoch % len(SERVICES)], epoch)
        arrived.wait(0.005)
    write_state(tmp_path, 1, cursor=4)
    session.poll_quotes([Endpoint("pricing-alpha", "alpha", "127.0.0.1", 1)])
    finished = session.finish()
    assert (finished.events, finished.quotes, finished.missing) == (60, 4, ())
    assert sorted(saw.event.epoch or 0 for saw in events) == list(range(60))
    delays = sorted(saw.seen_ns - saw.event.mono_ns for saw in events)
    assert delays[len(delays) // 2] < 50_000_000  # far above the poll, far below a starved machine's worst
    assert sum(len(batch.quotes) for batch in read_quotes(tmp_path)) == 4


def test_an_observer_that_died_is_reported(observe: Callable[..., ObserverSession]) -> None:
    session = observe()
    session.wait_watching(timeout_s=10)
    os.kill(session.pid, signal.SIGKILL)
    finished = session.finish(timeout_s=2)
    assert "ended with code -9" in finished.missing[0]
    assert "ended with code -9" in session.problem()


def test_an_adapter_that_is_not_there(observe: Callable[..., ObserverSession]) -> None:
    session = observe("NoSuch")
    with pytest.raises(AdapterError, match="NoSuch"):
        session.wait_watching(timeout_s=10)
    assert "NoSuch" in session.problem()


def test_the_end_state_is_collected_in_a_process_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_STATE", str(tmp_path))
    for number in (1, 2):
        write_state(tmp_path, number, index=10)
    engines = tuple(Endpoint(f"engine-{n}", None, "127.0.0.1", n) for n in (1, 2))
    plan = CollectPlan(
        adapter="toy_observed:Watched",
        folder=str(tmp_path),
        engines=engines,
        entry_points=engines[:1],
        base=str(HERE),
        gap_s=0.01,
    )
    collection = collect(plan, timeout_s=10)
    assert (collection.replicas, collection.accounts, collection.missing) == (4, 1, ())
    assert len(list(read_replicas(tmp_path))) == 4


def test_a_collection_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_STATE", str(tmp_path))
    write_state(tmp_path, 1, index=10, hangs=1)
    plan = CollectPlan(
        adapter="toy_observed:Watched",
        folder=str(tmp_path),
        engines=(Endpoint("engine-1", None, "127.0.0.1", 1),),
        entry_points=(),
        base=str(HERE),
        deadline_s=30,
    )
    collection = collect(plan, timeout_s=0.5)
    assert collection.missing[0].startswith("everything: no result after")


def test_a_collector_whose_adapter_cannot_be_loaded_says_so(tmp_path: Path) -> None:
    plan = CollectPlan(
        adapter="toy_observed:NoSuch", folder=str(tmp_path), engines=(), entry_points=(), base=str(HERE)
    )
    collection = collect(plan, timeout_s=10)
    assert "NoSuch" in collection.missing[0]
