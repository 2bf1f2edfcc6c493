"""Three engines and three sentinels as real processes: commands, kills, freezes, wiped disks."""

from __future__ import annotations

import asyncio
import shutil
import signal
from pathlib import Path

import pytest
from cluster import HANGS_S, PROVIDERS, Venue, cluster, run
from cluster_story import Flow, committed_ids, converged, leader, stall, strike

from trading_stack.engine.messages import Read, Submit
from trading_stack.sentinel.replay import replay
from trading_stack.venue.commands import Resolve, encode
from trading_stack.venue.queries import OrderQuery
from trading_stack.venue.queries import encode as encode_query

pytestmark = pytest.mark.processes


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
    _decided_the_same_again(tmp_path)


def _decided_the_same_again(directory: Path) -> None:
    """Whatever a sentinel decided follows from what it wrote down, in each of its lives."""
    logs = {path: replay(path.read_bytes()) for path in directory.glob("sentinel-*/decisions-*.ndjson")}
    assert {path.parent.name for path in logs} == {f"sentinel-{provider}" for provider in PROVIDERS}
    assert {path: told.difference for path, told in logs.items() if told.difference} == {}
    assert sum(told.decisions for told in logs.values()) > 10


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
