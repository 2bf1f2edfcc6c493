"""Planted mistakes of the protocol show on real processes, and the right stack does not make them."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from cluster import PROVIDERS, Cluster, Venue, cluster, run
from cluster_story import Flow, committed_ids, leader, stall, strike

from trading_stack.engine.messages import Read, Submit
from trading_stack.venue.commands import Resolve, encode
from trading_stack.venue.queries import OrderQuery
from trading_stack.venue.queries import encode as encode_query

pytestmark = pytest.mark.processes

NEVER_NS = 2**63


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


def shows(
    directory: Path,
    story: Callable[[Cluster, Venue], Awaitable[bool]],
    *,
    defect: str = "",
    clusters: int = 5,
) -> list[bool]:
    """What a story finds on some clusters, one after the other, until it finds its mistake.

    What a thawed primary hears first, its clients or its successor, is a matter of luck.
    """
    found: list[bool] = []
    while len(found) < clusters and not any(found):
        place = directory / str(len(found))
        place.mkdir()
        with cluster(place, TRADING_STACK_DEFECT=defect) as running:

            async def told(venue: Venue) -> None:
                found.append(await story(running, venue))

            run(running, told)
    return found


async def commits_late(running: Cluster, venue: Venue) -> bool:
    """Whether a thawed primary commits in its epoch after a later one has begun."""
    first = await leader(venue)
    flow = Flow(venue)
    await flow.more()
    strike(running, first, signal.SIGSTOP)
    await leader(venue, other_than=first)
    await flow.more()
    strike(running, first, signal.SIGCONT)
    await flow.more()
    flow.stop()
    begun_ns = {
        int(str(event["epoch"])): int(str(event["mono_ns"])) for event in running.events("primary_promoted")
    }
    return any(
        int(str(event["mono_ns"])) > begun_ns.get(int(str(event["epoch"])) + 1, NEVER_NS)
        for event in running.events("entries_committed")
    )


async def forgets_an_order(running: Cluster, venue: Venue) -> bool:
    """Whether a thawed primary says that it knows nothing of an order that its successor took."""
    number, read = 2**30, Read(2**30 + 1, encode_query(OrderQuery("meanwhile", "x")))
    first = await leader(venue)
    flow = Flow(venue)
    await flow.more()
    strike(running, first, signal.SIGSTOP)
    await leader(venue, other_than=first)
    venue.ask(Submit(number, encode(Resolve("meanwhile", "x"))))
    await venue.until(lambda: number in venue.done)
    venue.tell(first, read)
    strike(running, first, signal.SIGCONT)
    while not {read.request} & (venue.done.keys() | venue.refused.keys()):
        await asyncio.sleep(0.05)
        venue.tell(first, read)
    flow.stop()
    answer = venue.done.get(read.request)
    return answer is not None and msgspec.json.decode(answer.result)["order"] is None


def test_without_fencing_a_thawed_primary_commits_in_its_old_epoch(tmp_path: Path) -> None:
    assert any(shows(tmp_path, commits_late, defect="no-fencing"))


def test_a_thawed_primary_answers_from_its_own_state(tmp_path: Path) -> None:
    assert any(shows(tmp_path, forgets_an_order, defect="thawed-primary-answers"))


def test_a_thawed_primary_of_the_right_stack_does_not(tmp_path: Path) -> None:
    assert shows(tmp_path, forgets_an_order, clusters=2) == [False, False]


def test_a_naive_timeout_fails_over_on_a_stall(tmp_path: Path) -> None:
    async def story(venue: Venue) -> None:
        first = await leader(venue)
        await Flow(venue).more()
        await stall(running, first, 0.2)
        await venue.until(lambda: len(running.events("primary_promoted")) > 1)

    with cluster(tmp_path, TRADING_STACK_DEFECT="naive-timeout") as running:
        run(running, story)
