"""A planned handover on real processes, ordered by an administrator's program, with orders flowing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cluster import PROVIDERS, Cluster, Venue, cluster, run

from trading_stack.admin_commands import client
from trading_stack.admin_commands.audit import FILE, lines
from trading_stack.engine.messages import Read, Submit
from trading_stack.venue import queries
from trading_stack.venue.commands import New, encode

pytestmark = pytest.mark.processes

TICK = 10**8 // 2
ASKING = 1_000_000  # above the numbers of all orders


def new_order(number: int) -> bytes:
    """A resting order, on either side in turn; they never meet."""
    side, price = ("buy", 40_000) if number % 2 else ("sell", 60_000)
    price_ticks = price * 10**8 + (number % 50) * TICK
    return encode(
        New(f"account-{number % 20}", f"o{number}", "BTC-PERPETUAL", side, 1, "limit", price_ticks, "gtc")
    )


@dataclass
class Orders:
    """New orders at a steady rate; what each was answered, and when."""

    venue: Venue
    every_s: float = 0.005
    sent: int = 0
    _task: asyncio.Task[None] | None = field(default=None)

    def start(self) -> Orders:
        self._task = asyncio.get_running_loop().create_task(self._run())
        return self

    async def _run(self) -> None:
        while True:
            self.sent += 1
            self.venue.ask(Submit(self.sent, new_order(self.sent)))
            await asyncio.sleep(self.every_s)

    async def end(self) -> None:
        assert self._task is not None
        self._task.cancel()
        await self.venue.until(lambda: len(self.venue.done) == self.sent)

    def errors(self) -> list[str]:
        """Answers that are none to a new order that rests."""
        answers = [done.result.decode() for done in self.venue.done.values()]
        return [answer for answer in answers if json.loads(answer).get("outcome") != "ok"]

    async def lost(self) -> list[str]:
        """The orders that the present primary doesn't hold as resting; asked once all were answered."""
        asked = {ASKING + number: number for number in range(1, self.sent + 1)}
        for request, number in asked.items():
            query = queries.OrderQuery(f"account-{number % 20}", f"o{number}")
            self.venue.ask(Read(request, queries.encode(query)))
        await self.venue.until(lambda: asked.keys() <= self.venue.done.keys())
        replies = {number: json.loads(self.venue.done[request].result) for request, number in asked.items()}
        return [
            f"o{n}: {reply}"
            for n, reply in replies.items()
            if (reply["order"] or {}).get("leaves_quantity") != 1
        ]


def administrator(directory: Path) -> str:
    """Make an administrator's key; the setting for the services."""
    assert client.main(["keygen", str(directory), "--as", "alice"]) == 0
    return f"alice={(directory / 'administrator.pub').read_text().strip()}"


def hand_over(running: Cluster, directory: Path, target: str, *, at: tuple[str, ...] = PROVIDERS) -> int:
    """Order a handover as a person would; the program's exit code."""
    sentinels = [f"sentinel-{name}={running.services[f'sentinel-{name}'].environ['ADMIN']}" for name in at]
    key = ["--key", str(directory / "administrator.key"), "--as", "alice", "--reason", "maintenance"]
    return client.main(["hand-over", "--at", ",".join(sentinels), *key, target])


async def settled(venue: Venue, running: Cluster) -> str:
    """The first primary, once every sentinel knows it and it has served for a while."""
    await venue.until(lambda: venue.leading.primary is not None)
    await asyncio.sleep(0.3)
    assert venue.leading.primary is not None
    return venue.leading.primary


def test_orders_flow_through_a_handover_and_back_without_an_error(tmp_path: Path) -> None:
    async def story(venue: Venue) -> None:
        first = await settled(venue, running)
        target = next(name for name in PROVIDERS if name != first)
        orders = Orders(venue).start()
        await asyncio.sleep(0.3)
        for each in (target, first):
            while await asyncio.to_thread(hand_over, running, tmp_path, each) != 0:  # noqa: ASYNC110 - a program
                await asyncio.sleep(0.5)  # a strained machine may take too long, and goes on as it was
            await venue.until(lambda each=each: venue.leading.primary == each)  # type: ignore[misc]
            await asyncio.sleep(1.2)  # it serves for a second before it may hand over
        await orders.end()
        assert orders.errors() == []
        indexes = [done.index for done in venue.done.values()]
        assert len(set(indexes)) == len(indexes), "each was executed as an entry of its own"
        assert await orders.lost() == []

    with cluster(tmp_path, ADMINISTRATORS=administrator(tmp_path)) as running:
        run(running, story)
        completed = {event["epoch"] for event in running.events("handover_completed")}
        promoted = {event["epoch"] for event in running.events("primary_promoted")}
        assert completed != set()
        assert completed < promoted, "the first primary was not handed anything"
        _audited(running)


def _audited(running: Cluster) -> None:
    for name in PROVIDERS:
        path = Path(running.services[f"sentinel-{name}"].environ["DATA"]) / FILE
        records = [json.loads(bytes(line.record)) for line in lines(path)]
        assert len(records) >= 2
        assert {(record["administrator"], record["reason"]) for record in records} == {
            ("alice", "maintenance")
        }
        accepted = running.services[f"sentinel-{name}"].events()
        told = [event["audit"] for event in accepted if str(event["event"]).startswith("admin_command")]
        assert told == [line.hash for line in lines(path)]


def refused(tmp_path: Path, order: Callable[[Cluster, str], int]) -> None:
    async def story(venue: Venue) -> None:
        first = await settled(venue, running)
        assert await asyncio.to_thread(order, running, first) == client.FAILED
        assert venue.leading.primary == first

    with cluster(tmp_path, ADMINISTRATORS=administrator(tmp_path)) as running:
        run(running, story)
        assert len(running.events("primary_promoted")) == 1
        assert running.events("handover_started") == []


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, lambda running, first: hand_over(running, tmp_path, first))


def test_one_sentinel_alone_hands_nothing_over(tmp_path: Path) -> None:
    def order(running: Cluster, first: str) -> int:
        target = next(name for name in PROVIDERS if name != first)
        return hand_over(running, tmp_path, target, at=("alpha",))

    refused(tmp_path, order)
