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
from cluster import HANGS_S, PROVIDERS, Cluster, Venue, cluster, run

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

    async def more(self, count: int = 50) -> None:
        """Wait until so many more commands are done."""
        enough = len(self.venue.done) + count
        await self.venue.until(lambda: len(self.venue.done) >= enough)

    def stop(self) -> None:
        self._task.cancel()

    async def end(self) -> None:
        """Stop, and wait until all that was sent is done."""
        self.stop()
        await self.venue.until(lambda: len(self.venue.done) == self.sent)


async def leader(venue: Venue, *, other_than: str | None = None) -> str:
    await venue.until(lambda: venue.leading.primary not in (None, other_than))
    assert venue.leading.primary is not None
    return venue.leading.primary


def replicas(running: Cluster) -> dict[str, dict[str, Any]]:
    return {p: running.services[f"engine-{p}"].get("/replica") for p in PROVIDERS}


async def converged(running: Cluster) -> dict[str, dict[str, Any]]:
    """All three replicas, once they are equal and fully applied."""
    found: dict[str, dict[str, Any]] = {}
    with suppress(TimeoutError):
        async with asyncio.timeout(HANGS_S):
            while True:
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


def strike(running: Cluster, provider: str, number: int) -> None:
    for role in ("engine", "sentinel"):
        running.services[f"{role}-{provider}"].signal(number)


async def stall(running: Cluster, provider: str, seconds: float) -> float:
    """Freeze a provider; answers how long it stood still at most, in seconds."""
    began_s = time.monotonic()
    strike(running, provider, signal.SIGSTOP)
    await asyncio.sleep(seconds)
    strike(running, provider, signal.SIGCONT)
    return time.monotonic() - began_s


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_another_provider_takes_over_and_nothing_is_lost(tmp_path: Path, number: signal.Signals) -> None:
    async def story(venue: Venue) -> None:
        first = await leader(venue)
        flow = Flow(venue)
        await flow.more()
        strike(running, first, number)
        await leader(venue, other_than=first)
        await flow.more()
        back(first)
        await flow.more()
        await flow.end()
        found = await converged(running)
        assert all(len(committed_ids(replica)) == flow.sent for replica in found.values())

    def back(provider: str) -> None:
        if number == signal.SIGSTOP:
            strike(running, provider, signal.SIGCONT)
            return
        for role in ("engine", "sentinel"):
            running.services[f"{role}-{provider}"].end()
            running.services[f"{role}-{provider}"].start()

    with cluster(tmp_path) as running:
        run(running, story)
        promoted = [int(str(event["epoch"])) for event in running.events("primary_promoted")]
        assert promoted == sorted(set(promoted))
        assert {int(str(event["epoch"])) for event in running.events("entries_committed")} == set(promoted)


def test_a_cluster_that_was_stopped_whole_remembers_everything(tmp_path: Path) -> None:
    async def first_life(venue: Venue) -> None:
        await leader(venue)
        flow = Flow(venue)
        await flow.more()
        for service in running.services.values():
            service.end()
        flow.stop()
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


def test_a_wiped_disk_rejoins_and_earns_its_vote(tmp_path: Path) -> None:
    async def story(venue: Venue) -> None:
        first = await leader(venue)
        flow = Flow(venue)
        await flow.more()
        wiped = next(p for p in PROVIDERS if p != first)
        service = running.services[f"engine-{wiped}"]
        before = (await asyncio.to_thread(service.get, "/replica"))["store_incarnation"]
        service.end()
        shutil.rmtree(service.environ["DATA"])
        service.start()
        await flow.more()
        await flow.end()
        found = await converged(running)
        assert found[wiped]["store_incarnation"] != before
        async with asyncio.timeout(HANGS_S):
            while not (await asyncio.to_thread(service.get, "/status"))["ready"]:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.05)

    with cluster(tmp_path) as running:
        run(running, story)


# --- planted mistakes show on real processes


def test_acknowledging_before_replication_loses_orders(tmp_path: Path) -> None:
    async def story(venue: Venue) -> None:
        first = await leader(venue)
        flow = Flow(venue)
        await flow.more()
        standbys = [running.services[f"engine-{p}"] for p in PROVIDERS if p != first]
        for standby in standbys:
            standby.end()
        await flow.more(5)  # acknowledged by one disk alone
        strike(running, first, signal.SIGKILL)
        acknowledged.update(venue.done)
        for standby in standbys:
            standby.start()
        second = await leader(venue, other_than=first)
        flow.stop()
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
        await flow.more()
        strike(running, first, signal.SIGSTOP)
        await leader(venue, other_than=first)
        await flow.more()
        strike(running, first, signal.SIGCONT)
        await venue.until(committed_late)
        flow.stop()

    def committed_late() -> bool:
        """Whether the first epoch committed after the second had begun."""
        _, second = running.events("primary_promoted")[:2]
        return any(
            event["epoch"] == 1 and int(str(event["mono_ns"])) > int(str(second["mono_ns"]))
            for event in running.events("entries_committed")
        )

    with cluster(tmp_path, TRADING_STACK_DEFECT="no-fencing") as running:
        run(running, story)


def test_a_naive_timeout_fails_over_on_a_stall(tmp_path: Path) -> None:
    async def story(venue: Venue) -> None:
        first = await leader(venue)
        await Flow(venue).more()
        await stall(running, first, 0.2)
        await venue.until(lambda: len(running.events("primary_promoted")) > 1)

    with cluster(tmp_path, TRADING_STACK_DEFECT="naive-timeout") as running:
        run(running, story)


def test_a_stall_of_its_primary_moves_no_right_cluster(tmp_path: Path) -> None:
    async def story(venue: Venue) -> None:
        first = await leader(venue)
        flow = Flow(venue)
        for _ in range(3):
            await flow.more()
            stalls_s.append(await stall(running, first, 0.15))
        await flow.more()

    stalls_s: list[float] = []
    with cluster(tmp_path) as running:
        run(running, story)
        # A stall that a busy host made longer than a stack must bear says nothing.
        assert max(stalls_s) > 0.2 or len(running.events("primary_promoted")) == 1
