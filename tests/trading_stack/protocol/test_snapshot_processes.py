"""Snapshots of real processes: taken, sent to a wiped store, and gone on from after a restart of everybody."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from cluster import PROVIDERS, Cluster, Venue, cluster, run

from trading_stack.engine.messages import Submit
from trading_stack.venue.commands import New, encode

pytestmark = pytest.mark.processes
ORDERS = 150


def order(number: int) -> bytes:
    price = (40_000 if number % 2 else 60_000) * 10**8
    side = "buy" if number % 2 else "sell"
    return encode(New("account", f"o{number}", "BTC-PERPETUAL", side, 1, "limit", price, "gtc"))  # type: ignore[arg-type]


async def commit(venue: Venue, requests: range, *, orders_from: int = 0) -> list[dict[str, object]]:
    for request in requests:
        venue.ask(Submit(request, order(request - orders_from)))
    await venue.until(lambda: all(request in venue.done for request in requests))
    return [json.loads(venue.done[request].result) for request in requests]


def replica(running: Cluster, provider: str) -> dict[str, object]:
    return running.services[f"engine-{provider}"].get("/replica")


async def agree(venue: Venue, running: Cluster) -> None:
    """Wait until all replicas have applied the same, and hold the same state."""

    def same() -> bool:
        try:
            dumps = [replica(running, provider) for provider in PROVIDERS]
        except OSError:
            return False  # one is just starting
        return len({(dump["applied_index"], dump["digest"]) for dump in dumps}) == 1

    await venue.until(same)


def test_a_wiped_engine_gets_the_snapshot_and_everybody_restarts_from_one(tmp_path: Path) -> None:
    with cluster(tmp_path, SNAPSHOT_EVERY="40") as running:

        async def story(venue: Venue) -> None:
            await venue.until(lambda: venue.leading.primary is not None)
            told = await commit(venue, range(1, ORDERS + 1))
            await agree(venue, running)
            charlie = running.services["engine-charlie"]
            charlie.end()
            shutil.rmtree(charlie.environ["DATA"])
            charlie.start()
            await commit(venue, range(1001, 1011))
            await agree(venue, running)
            assert running.events("snapshot_installed")
            dumps = [replica(running, provider) for provider in PROVIDERS]
            assert all(int(str(dump["base_index"])) > 40 for dump in dumps)
            assert all(dump["first_index"] == int(str(dump["base_index"])) + 1 for dump in dumps)
            for provider in PROVIDERS:
                running.services[f"engine-{provider}"].end()
            for provider in PROVIDERS:
                running.services[f"engine-{provider}"].start()
            again = await commit(venue, range(2001, 2001 + ORDERS), orders_from=2000)
            assert [reply["order"] for reply in again] == [reply["order"] for reply in told]
            await agree(venue, running)

        run(running, story)


def test_a_snapshot_without_the_id_table_accepts_an_order_twice(tmp_path: Path) -> None:
    with cluster(tmp_path, SNAPSHOT_EVERY="40", TRADING_STACK_DEFECT="snapshot-without-id-table") as running:

        async def story(venue: Venue) -> None:
            await venue.until(lambda: venue.leading.primary is not None)
            [told, *_] = await commit(venue, range(1, ORDERS + 1))
            await venue.until(
                lambda: all(int(str(replica(running, each)["base_index"])) > 40 for each in PROVIDERS)
            )
            for provider in PROVIDERS:
                running.services[f"engine-{provider}"].end()
            for provider in PROVIDERS:
                running.services[f"engine-{provider}"].start()
            [again] = await commit(venue, range(2001, 2002), orders_from=2000)
            first, second = told["order"], again["order"]
            assert isinstance(first, dict)
            assert isinstance(second, dict)
            assert second["order_id"] != first["order_id"]

        run(running, story)
