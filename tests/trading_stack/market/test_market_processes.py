"""Real processes: three sources, and on each of three providers a feed and a pricing service."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import pytest
from market_world import SOURCES

from harness.model.quotes import Quote, QuoteBatch
from harness.platforms.ports import Ports
from trading_stack.instruments import INSTRUMENTS
from trading_stack.market.calendar import due_ns
from trading_stack.market.client import follow_marks
from trading_stack.market.messages import MarksFrame

pytestmark = pytest.mark.processes

PROVIDERS = ("alpha", "bravo", "charlie")
SECRET = "only for this test"


@dataclass
class Service:
    """One running service."""

    role: str
    environ: dict[str, str]
    listen: int
    admin: int
    process: subprocess.Popen[bytes]

    def get(self, path: str) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}{path}", timeout=5) as reply:
                return reply.status, reply.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read()
        except OSError as unreachable:
            return 0, str(unreachable).encode()

    def restart(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process = spawn(self.role, self.environ)


PORTS = Ports()


def spawn(role: str, environ: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "trading_stack", role]
    return subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL)


class Market:
    """All services by name, such as `source-one` or `pricing-alpha`."""

    def __init__(self) -> None:
        self.services: dict[str, Service] = {}

    def start(self, role: str, name: str, **environ: str) -> int:
        listen, admin = PORTS.take(), PORTS.take()
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("TRADING_STACK_")}
        full = inherited | environ | {"LISTEN": f"127.0.0.1:{listen}", "ADMIN": f"127.0.0.1:{admin}"}
        full["CLUSTER_SECRET"] = SECRET
        self.services[f"{role}-{name}"] = Service(role, full, listen, admin, spawn(role, full))
        return listen

    def wait_ready(self, *names: str) -> None:
        give_up = time.monotonic() + 60.0  # as nothing takes that works, on however busy a machine
        while True:
            answers = {name: self.services[name].get("/health") for name in names or self.services}
            if all(status == 200 for status, _ in answers.values()):
                return
            assert time.monotonic() < give_up, answers
            time.sleep(0.05)

    def quotes(self, provider: str, since: int = 0) -> QuoteBatch:
        status, body = self.services[f"pricing-{provider}"].get(f"/quotes?since={since}")
        assert status == 200, body
        return msgspec.json.decode(body, type=QuoteBatch)

    def stop(self) -> None:
        for service in self.services.values():
            service.process.send_signal(signal.SIGCONT)
            service.process.kill()
            service.process.wait()


@pytest.fixture
def market(request: pytest.FixtureRequest) -> Iterator[Market]:
    market = Market()
    try:
        sources = {name: market.start("source", name, NAME=name, SEED="7") for name in SOURCES}
        listed = ",".join(f"{name}=127.0.0.1:{port}" for name, port in sources.items())
        for provider in PROVIDERS:
            feed = market.start("feed", provider, PROVIDER=provider, SOURCES=listed)
            extra = {"TRADING_STACK_DEFECT": getattr(request, "param", "")}
            market.start("pricing", provider, PROVIDER=provider, FEED=f"127.0.0.1:{feed}", **extra)
        market.wait_ready()
        yield market
    finally:
        market.stop()


def matched(one: list[Quote], other: list[Quote]) -> dict[str, list[bool]]:
    """By kind, whether each pair of the same inputs has the same price to the last bit."""
    priced = {(quote.inputs_hash, quote.instrument): quote.mark for quote in other}
    pairs: dict[str, list[bool]] = {}
    for quote in one:
        if (quote.inputs_hash, quote.instrument) in priced:
            same = priced[quote.inputs_hash, quote.instrument] == quote.mark
            pairs.setdefault(quote.kind, []).append(same)
    return pairs


def collect(market: Market, seconds: float) -> dict[str, list[Quote]]:
    cursors = {provider: market.quotes(provider).cursor for provider in PROVIDERS}
    time.sleep(seconds)
    return {provider: market.quotes(provider, cursors[provider]).quotes for provider in PROVIDERS}


def test_providers_agree_bit_for_bit(market: Market) -> None:
    quotes = collect(market, 3.5)
    for other in ("bravo", "charlie"):
        pairs = matched(quotes["alpha"], quotes[other])
        assert set(pairs) == {"perpetual", "future", "option_call", "option_put"}
        assert all(len(same) >= 100 and all(same) for same in pairs.values())
    ages = [quote.index_age_ns for quote in quotes["alpha"]]
    assert sorted(ages)[len(ages) // 2] < 20_000_000
    assert len({quote.source_sequence for quote in quotes["alpha"]}) >= 3 * 20


def test_the_chain_has_greeks(market: Market) -> None:
    status, body = market.services["pricing-alpha"].get("/chain")
    rows = json.loads(body)
    assert status == 200
    assert len(rows) == 20
    assert all(row["vega"] > 0 and row["theta"] < 0 and 0.3 < row["volatility"] < 1.2 for row in rows)


def test_an_engine_can_follow(market: Market) -> None:
    async def follow() -> list[MarksFrame]:
        frames: list[MarksFrame] = []
        enough = asyncio.Event()

        def take(frame: MarksFrame) -> None:
            frames.append(frame)
            if len(frames) == 10:
                enough.set()

        port = market.services["pricing-alpha"].listen
        task = asyncio.create_task(follow_marks("127.0.0.1", port, take, name="test", secret=SECRET.encode()))
        await asyncio.wait_for(enough.wait(), 5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return frames

    frames = asyncio.run(follow())
    assert set(frames[-1].prices) == set(INSTRUMENTS)
    sequences = [frame.source_sequence for frame in frames]
    assert sequences == sorted(set(sequences))


def test_a_dead_source_stops_nothing_and_restarts_agree(market: Market) -> None:
    market.services["source-one"].process.kill()
    quotes = collect(market, 2.0)
    assert len({quote.source_sequence for quote in quotes["alpha"]}) >= 30
    market.services["source-one"].restart()
    for name in ("feed-bravo", "pricing-charlie"):
        market.services[name].restart()
    market.wait_ready()
    time.sleep(0.5)
    pairs = collect(market, 2.0)
    for other in ("bravo", "charlie"):
        both = matched(pairs["alpha"], pairs[other])
        assert sum(map(len, both.values())) > 100
        assert all(all(same) for same in both.values())


def test_frozen_sources_leave_no_fresh_prices(market: Market) -> None:
    sources = [market.services[f"source-{name}"].process for name in SOURCES]
    for process in sources:
        process.send_signal(signal.SIGSTOP)
    time.sleep(1.5)
    status, reason = market.services["pricing-alpha"].get("/health")
    assert status == 503
    assert b"s old" in reason
    assert all(quote.index_age_ns < 500_000_000 for quote in market.quotes("alpha").quotes)
    for process in sources:
        process.send_signal(signal.SIGCONT)
    market.wait_ready("pricing-alpha")


def test_a_thawed_provider_prices_nothing_old(market: Market) -> None:
    frozen = [market.services[name].process for name in ("feed-alpha", "pricing-alpha")]
    cursor = market.quotes("alpha").cursor
    for process in frozen:
        process.send_signal(signal.SIGSTOP)
    time.sleep(1.5)
    for process in frozen:
        process.send_signal(signal.SIGCONT)
    time.sleep(0.2)
    market.wait_ready("pricing-alpha")
    time.sleep(0.5)
    quotes = market.quotes("alpha", cursor).quotes
    delays_ns = [quote.published_mono_ns - due_ns(quote.source_sequence) for quote in quotes]
    assert len(delays_ns) > 24
    assert max(delays_ns) < 1_000_000_000


@pytest.mark.parametrize("market", ["stale-surface"], indirect=True)
def test_a_stale_surface_on_one_provider_shows(market: Market) -> None:
    quotes = collect(market, 2.0)
    stale, sound = matched(quotes["alpha"], quotes["bravo"]), matched(quotes["alpha"], quotes["charlie"])
    assert stale["option_call"].count(False) >= 100  # all, once the surface has moved from the one kept
    assert all(stale["perpetual"])
    assert all(sound["option_call"])
