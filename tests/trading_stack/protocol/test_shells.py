"""The engine's and the sentinel's shells in this process, over real sockets: who may say what to them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from cluster import free_ports
from signers import certificate, sentinel

from trading_stack import keys
from trading_stack.dial import Client
from trading_stack.engine import service as engine_service
from trading_stack.engine.door import Incoming
from trading_stack.engine.messages import FromEngine, Leading, NotPrimary, Read, Submit
from trading_stack.engine.service import Engine
from trading_stack.instruments import SCALE
from trading_stack.journal.config import Role
from trading_stack.journal.messages import Status
from trading_stack.market.messages import MarksFrame
from trading_stack.sentinel.messages import Accusation, FromPeer, Grant, Heartbeat
from trading_stack.sentinel.service import INCOMING, Watchtower
from trading_stack.settings import Address
from trading_stack.venue.commands import New, encode
from trading_stack.wire import Codec, serve

pytestmark = pytest.mark.processes

SECRET = b"test"
NODES = ("alpha", "bravo", "charlie")


def environ(directory: Path, **more: str) -> dict[str, str]:
    nobody = free_ports(3)
    return {
        "PROVIDER": "alpha",
        "CLUSTER_SECRET": SECRET.decode(),
        "PEERS": f"bravo=127.0.0.1:{nobody[0]},charlie=127.0.0.1:{nobody[1]}",
        "ENGINES": ",".join(f"{node}=127.0.0.1:{port}" for node, port in zip(NODES, nobody, strict=True)),
        "DATA": str(directory),
        **more,
    }


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - many kinds of state, one way to wait
            await asyncio.sleep(0.002)


def connect(
    name: str, address: Address, accepts: object, heard: list[object], *, secret: bytes = SECRET
) -> Client:
    codec = Codec(name, keys.link_key(secret), msgspec.msgpack.Decoder(accepts))
    return Client(address, codec, on_message=heard.append).start()


def with_engine(directory: Path, story: Callable[[Engine, Address], Awaitable[None]], **more: str) -> None:
    async def main() -> None:
        engine = Engine(environ(directory, **more))
        engine.host.start()
        server = await serve(engine.codec(), engine.door.callbacks(), "127.0.0.1", 0)
        beats = asyncio.get_running_loop().create_task(engine.door.beats())
        await story(engine, Address(*server.sockets[0].getsockname()[:2]))
        beats.cancel()
        server.close()
        engine.store.close()

    asyncio.run(main())


def grant(*signers: str) -> Grant:
    return Grant(certificate("alpha", signers))


def pinned(engine: Engine) -> list[str]:
    """The sentinels whose keys the engine knows."""
    return sorted(json.loads((engine.roster._path).read_bytes())) if engine.roster._path.exists() else []


def prove(engine: Engine) -> None:
    """Let its store vote, as if its peers had founded the cluster with it, and had just said that it forgot nothing."""
    core = engine.host.replica._core
    core.proven = True
    core.hearing.confirmed.update(core.config.peers)


def test_a_gateway_hears_who_leads_and_is_referred(tmp_path: Path) -> None:
    async def story(engine: Engine, address: Address) -> None:
        heard: list[object] = []
        client = connect("gateway-x", address, FromEngine, heard)
        await until(lambda: heard == [Leading(0, None)])
        client.send(Submit(1, b"command"))
        client.send(Read(2, b"query"))
        await until(lambda: heard[1:] == [NotPrimary(1, None, 0), NotPrimary(2, None, 0)])
        assert engine.unready() == "the store may not vote yet"
        prove(engine)
        assert engine.unready() == "no primary is known"
        assert engine.figures()["engine_commands_total"] == 1
        await client.close()

    with_engine(tmp_path, story)


def test_a_sentinel_hears_heartbeats_and_hands_over_certificates(tmp_path: Path) -> None:
    async def story(engine: Engine, address: Address) -> None:
        heard: list[object] = []
        client = sentinel("bravo", address, Heartbeat, heard, secret=SECRET)
        other = sentinel("alpha", address, Heartbeat, [], secret=SECRET)
        await until(lambda: len(heard) >= 3 and pinned(engine) == ["alpha", "bravo"])
        assert isinstance(heard[0], Heartbeat)
        assert (heard[0].role, heard[0].ready, heard[0].serving) == ("standby", False, False)
        prove(engine)
        client.send(grant("bravo"))
        client.send(grant("alpha", "bravo"))
        await until(lambda: engine.host.replica.view().role is Role.CANDIDATE)
        await client.close()
        await other.close()

    with_engine(tmp_path, story)


def test_nobody_else_hands_over_certificates_or_speaks_as_a_peer(tmp_path: Path) -> None:
    async def story(engine: Engine, address: Address) -> None:
        prove(engine)
        heard: list[object] = []
        gateway = connect("gateway-evil", address, FromEngine, heard)
        forger = connect("sentinel-bravo", address, Heartbeat, [], secret=b"guess")
        await until(lambda: heard != [])
        gateway.send(grant("alpha", "bravo"))
        gateway.send(Status(engine.host.replica._core.life(), True, False, {}, {}))
        gateway.send(Submit(1, b""))
        await until(lambda: len(heard) == 2)
        assert engine.host.replica.view().role is Role.STANDBY
        assert not forger.up
        await gateway.close()
        await forger.close()

    with_engine(tmp_path, story)


def test_the_admin_routes_of_an_engine(tmp_path: Path) -> None:
    async def story(engine: Engine, address: Address) -> None:
        routes = engine.routes()
        answer = routes["/replica"]({"after": "0"})
        assert isinstance(answer, Awaitable)
        dump = json.loads((await answer).body)
        assert (dump["node"], dump["provider"], dump["entries"]) == ("engine-alpha", "alpha", [])
        status = routes["/status"]({})
        assert not isinstance(status, Awaitable)
        assert json.loads(status.body)["role"] == "standby"
        with pytest.raises(ValueError, match="invalid literal"):
            await engine._replica({"after": "soon"})

    with_engine(tmp_path, story)


def test_a_standby_proposes_no_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_service, "PERIOD_S", 0.01)

    async def story(engine: Engine, address: Address) -> None:
        engine._on_marks(MarksFrame({}, 1, 1, 0, 0, ""))
        task = asyncio.get_running_loop().create_task(engine.propose_marks())
        await asyncio.sleep(0.05)
        assert engine.host.counts["commands"] == 0
        task.cancel()

    with_engine(tmp_path, story)


@pytest.mark.parametrize(("defect", "alike"), [("", True), ("local-mark-in-apply", False)])
def test_an_engines_venue_asks_its_own_pricing_by_mistake_alone(
    tmp_path: Path, defect: str, *, alike: bool
) -> None:
    def traded(engine: Engine) -> str:
        venue = engine._new_venue(None)
        sell = New("ann", "1", "BTC-PERPETUAL", "sell", 100_000, "limit", 50_000 * SCALE, "gtc")
        venue.apply(1, 1, 1, encode(sell))
        venue.apply(2, 1, 2, encode(msgspec.structs.replace(sell, account="bob", side="buy")))
        return venue.digest()

    async def story(engine: Engine, address: Address) -> None:
        before = traded(engine)
        engine._on_marks(MarksFrame({"BTC-PERPETUAL": 49_000 * SCALE}, 1, 1, 0, 0, ""))
        assert (traded(engine) == before) is alike

    with_engine(tmp_path, story, TRADING_STACK_DEFECT=defect)


# --- the sentinel


def with_tower(directory: Path, story: Callable[[Watchtower, Address], Awaitable[None]], **more: str) -> None:
    async def main() -> None:
        tower = Watchtower(environ(directory, **more))
        server = await serve(tower.codec(INCOMING), tower.callbacks(), "127.0.0.1", 0)
        tower.start()
        await story(tower, Address(*server.sockets[0].getsockname()[:2]))
        for client in (*tower.engines.values(), *tower.peers.values()):
            await client.close()
        server.close()

    asyncio.run(main())


FORGED = Heartbeat("primary", True, True, 9, "charlie", 9, 1, 9, 1, 0, 0)


def test_heartbeats_come_over_the_sentinels_own_connections_alone(tmp_path: Path) -> None:
    async def story(tower: Watchtower, address: Address) -> None:
        engine = connect("engine-charlie", address, FromPeer, [])
        peer = sentinel("bravo", address, FromPeer, [], secret=SECRET)
        await until(lambda: engine.up and peer.up)
        engine.send(FORGED)
        peer.send(Accusation(9, lost=True, promised_epoch=9))
        await until(
            lambda: tower.sentinel._view.accusers(2**62, own=False) == [] and _heard(tower) == ["bravo"]
        )
        assert tower.sentinel.leader is None
        assert "no connection to engines" in (tower.unready() or "")
        assert tower.figures()["sentinel_epoch"] == 0
        await engine.close()
        await peer.close()

    with_tower(tmp_path, story)


def _heard(tower: Watchtower) -> list[str]:
    return list(tower.sentinel._view._judgements)


def test_the_planted_mistake_takes_a_heartbeat_from_anybody(tmp_path: Path) -> None:
    async def story(tower: Watchtower, address: Address) -> None:
        anybody = connect("engine-charlie", address, FromPeer, [], secret=b"guess")
        codec = anybody._codec
        anybody._codec = Codec(codec.name, codec.key, codec.decoder, unauthenticated=True)
        await until(lambda: anybody.up)
        anybody.send(FORGED)
        await until(lambda: tower.sentinel.leader is not None)
        assert tower.figures()["sentinel_epoch"] == 9
        await anybody.close()

    with_tower(tmp_path, story, TRADING_STACK_DEFECT="unauthenticated-heartbeat")


def test_an_engine_understands_everything_that_may_be_said_to_it() -> None:
    messages = [Submit(1, b""), Read(1, b""), grant("alpha")]
    for message in messages:
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=Incoming) == message
