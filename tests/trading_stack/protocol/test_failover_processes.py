"""Three engines and three sentinels as real processes: commands, kills, freezes, and planted mistakes that show."""

from __future__ import annotations

import asyncio
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cluster import PROVIDERS, Cluster, Venue, cluster, run

from trading_stack.engine.messages import Read, Submit
from trading_stack.venue.commands import Resolve, encode
from trading_stack.venue.queries import OrderQuery
from trading_stack.venue.queries import encode as encode_query

pytestmark = pytest.mark.processes


class Flow:
    """Commands at a steady rate, each repeated to whoever leads until it is done."""

    def __init__(self, venue: Venue, *, every_s: float = 0.004) -> None:
        self.venue = venue
        self.sent = 0
        self._every_s = every_s
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while True:
            self.sent += 1
            self.venue.ask(Submit(self.sent, encode(Resolve("flow", f"id-{self.sent}"))))
            await asyncio.sleep(self._every_s)

    async def end(self) -> None:
        self._task.cancel()
        await self.venue.until(lambda: len(self.venue.done) == self.sent)


async def leader(venue: Venue, *, other_than: str | None = None) -> str:
    await venue.until(lambda: venue.leading.primary not in (None, other_than), within_s=20)
    assert venue.leading.primary is not None
    return venue.leading.primary


def replicas(running: Cluster) -> dict[str, dict[str, Any]]:
    return {p: running.services[f"engine-{p}"].get("/replica") for p in PROVIDERS}


async def converged(running: Cluster) -> dict[str, dict[str, Any]]:
    """All three replicas, once they are equal and fully applied."""
    found: dict[str, dict[str, Any]] = {}
    for _ in range(100):
        with suppress(OSError):  # one of them may be starting
            found = await asyncio.to_thread(replicas, running)
        states = {(r["digest"], r["applied_index"], len(r["entries"])) for r in found.values()}
        if found and len(states) == 1:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError({p: (r["commit_index"], r["digest"], r["role"]) for p, r in found.items()})


def committed_ids(replica: dict[str, Any]) -> set[str]:
    return {
        e["client_order_id"] for e in replica["entries"][: replica["commit_index"]] if e["type"] == "resolve"
    }


def strike(running: Cluster, provider: str, number: int) -> int:
    for role in ("engine", "sentinel"):
        running.services[f"{role}-{provider}"].signal(number)
    return time.monotonic_ns()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_another_provider_takes_over_and_nothing_is_lost(tmp_path: Path, number: signal.Signals) -> None:
    async def story(venue: Venue) -> None:
        first = await leader(venue)
        flow = Flow(venue)
        await asyncio.sleep(0.5)
        struck_ns = strike(running, first, number)
        await leader(venue, other_than=first)
        taken_ms = (time.monotonic_ns() - struck_ns) / 1e6
        assert taken_ms < 2000, "far above what it takes on an idle machine"
        await asyncio.sleep(0.3)
        back(first)
        await asyncio.sleep(0.3)
        await flow.end()
        found = await converged(running)
        assert all(len(committed_ids(replica)) == flow.sent for replica in found.values())
        assert found[first]["role"] == "standby"

    def back(provider: str) -> None:
        if number == signal.SIGSTOP:
            strike(running, provider, signal.SIGCONT)
            return
        for role in ("engine", "sentinel"):
            running.services[f"{role}-{provider}"].end()
            running.services[f"{role}-{provider}"].start()

    with cluster(tmp_path) as running:
        run(running, story)
        promoted = running.events("primary_promoted")
        assert len(promoted) == 2
        epochs = {int(str(e["epoch"])) for e in running.events("entries_committed")}
        assert epochs == {int(str(e["epoch"])) for e in promoted}


def test_a_cluster_that_was_stopped_whole_remembers_everything(tmp_path: Path) -> None:
    async def first_life(venue: Venue) -> None:
        await leader(venue)
        flow = Flow(venue)
        await asyncio.sleep(0.3)
        for service in running.services.values():
            service.end()
        flow._task.cancel()
        done.extend(venue.done)
        for service in running.services.values():
            service.start()

    async def second_life(venue: Venue) -> None:
        await leader(venue)
        venue.ask(Submit(1_000_000, encode(Resolve("flow", "last"))))
        await venue.until(lambda: 1_000_000 in venue.done)
        venue.ask(Read(1_000_001, encode_query(OrderQuery("flow", "last"))))
        await venue.until(lambda: 1_000_001 in venue.done)
        found = await converged(running)
        assert {f"id-{request}" for request in done} <= committed_ids(found["alpha"])

    done: list[int] = []
    with cluster(tmp_path) as running:
        run(running, first_life)
        run(running, second_life)
        assert done != []


def test_a_wiped_disk_rejoins_and_earns_its_vote(tmp_path: Path) -> None:
    async def story(venue: Venue) -> None:
        first = await leader(venue)
        flow = Flow(venue)
        await asyncio.sleep(0.2)
        wiped = next(p for p in PROVIDERS if p != first)
        service = running.services[f"engine-{wiped}"]
        before = (await asyncio.to_thread(service.get, "/replica"))["store_incarnation"]
        service.end()
        shutil.rmtree(service.environ["DATA"])
        service.start()
        await asyncio.sleep(1.0)
        await flow.end()
        found = await converged(running)
        assert found[wiped]["store_incarnation"] != before
        ready = await asyncio.to_thread(service.get, "/status")
        assert ready["ready"] is True

    with cluster(tmp_path) as running:
        run(running, story)
        assert len(running.events("primary_promoted")) == 1


# --- planted mistakes show on real processes


def test_acknowledging_before_replication_loses_orders(tmp_path: Path) -> None:
    async def story(venue: Venue) -> None:
        first = await leader(venue)
        flow = Flow(venue)
        await asyncio.sleep(0.35)
        strike(running, first, signal.SIGKILL)
        acknowledged.update(venue.done)
        second = await leader(venue, other_than=first)
        flow._task.cancel()
        replica = await asyncio.to_thread(running.services[f"engine-{second}"].get, "/replica")
        found.update(committed_ids(replica))

    acknowledged: set[int] = set()
    found: set[str] = set()
    with cluster(tmp_path, TRADING_STACK_DEFECT="acknowledge-before-replication") as running:
        run(running, story)
    # The flow repeats what is not done, and never what is: what was acknowledged and is gone stays gone.
    assert {f"id-{request}" for request in acknowledged} - found


def test_without_fencing_a_thawed_primary_commits_in_its_old_epoch(tmp_path: Path) -> None:
    async def story(venue: Venue) -> None:
        first = await leader(venue)
        flow = Flow(venue)
        await asyncio.sleep(0.2)
        strike(running, first, signal.SIGSTOP)
        await leader(venue, other_than=first)
        await asyncio.sleep(0.2)
        strike(running, first, signal.SIGCONT)
        await asyncio.sleep(0.5)
        flow._task.cancel()

    with cluster(tmp_path, TRADING_STACK_DEFECT="no-fencing") as running:
        run(running, story)
        _, second = running.events("primary_promoted")[:2]
        late = [
            event
            for event in running.events("entries_committed")
            if event["epoch"] == 1 and int(str(event["mono_ns"])) > int(str(second["mono_ns"]))
        ]
        assert late != []


def test_a_naive_timeout_fails_over_on_a_stall(tmp_path: Path) -> None:
    async def story(venue: Venue) -> None:
        first = await leader(venue)
        await asyncio.sleep(0.3)
        strike(running, first, signal.SIGSTOP)
        await asyncio.sleep(0.2)
        strike(running, first, signal.SIGCONT)
        await asyncio.sleep(0.5)

    with cluster(tmp_path, TRADING_STACK_DEFECT="naive-timeout") as running:
        run(running, story)
        assert len(running.events("primary_promoted")) > 1


def test_a_stall_of_its_primary_moves_no_right_cluster(tmp_path: Path) -> None:
    async def story(venue: Venue) -> None:
        first = await leader(venue)
        for _ in range(3):
            await asyncio.sleep(0.2)
            strike(running, first, signal.SIGSTOP)
            await asyncio.sleep(0.15)
            strike(running, first, signal.SIGCONT)
        await asyncio.sleep(0.3)
        assert venue.leading.primary == first

    with cluster(tmp_path) as running:
        run(running, story)
        assert len(running.events("primary_promoted")) == 1
