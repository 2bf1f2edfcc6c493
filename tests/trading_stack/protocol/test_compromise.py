"""Whoever holds the cluster secret and one sentinel's key is that sentinel, and no other: one signature of three."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from cluster import free_ports
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from signers import NAMES, SIGNERS, certificate, sentinel
from signers import engine as engine_client
from test_shells import SECRET, pinned, prove, until, with_engine, with_tower

from trading_stack import settings
from trading_stack.dial import Client
from trading_stack.engine.service import Engine
from trading_stack.journal.certificate import Certificate, signed_bytes
from trading_stack.journal.config import Role
from trading_stack.journal.life import Age, Life
from trading_stack.journal.messages import AppendReply, PreVoteReply, SealReply
from trading_stack.keys import Signer, link_key
from trading_stack.sentinel.introductions import introduction
from trading_stack.sentinel.messages import Accusation, FromPeer, Grant, Heartbeat, Issued, Motion, Second
from trading_stack.sentinel.service import Watchtower
from trading_stack.settings import Address
from trading_stack.wire import Callbacks, Codec, Connection, serve

pytestmark = pytest.mark.processes

STOLEN = SIGNERS["alpha"]  # with the cluster secret, all that the attacker has
BRAVO = SIGNERS["bravo"]
FRESH = Signer(Ed25519PrivateKey.generate())
MESSAGE = signed_bytes("trading", 0, 1, "alpha")


async def introduced(address: Address) -> list[Client]:
    """All three sentinels, at an engine that meets them for the first time."""
    return [sentinel(name, address, Heartbeat, [], secret=SECRET) for name in NAMES]


def from_the_secret(name: str) -> Signer:
    """The key that a sentinel would have if it came from the cluster secret."""
    seed = hashlib.blake2b(name.encode(), key=link_key(SECRET), digest_size=32, person=b"sentinel")
    return Signer(Ed25519PrivateKey.from_private_bytes(seed.digest()))


def forged(signatures: dict[str, bytes]) -> Grant:
    return Grant(Certificate("trading", 0, 1, "alpha", signatures))


FORGERIES = {
    "alone": {"alpha": STOLEN.sign(MESSAGE)},
    "under every name": {name: STOLEN.sign(MESSAGE) for name in NAMES},
    "a key of its own": {"alpha": STOLEN.sign(MESSAGE), "bravo": FRESH.sign(MESSAGE)},
    "keys from the secret": {name: from_the_secret(name).sign(MESSAGE) for name in NAMES},
    "a stranger's name": {"alpha": STOLEN.sign(MESSAGE), "mallory": FRESH.sign(MESSAGE)},
    "another epoch's": {
        "alpha": STOLEN.sign(MESSAGE),
        "bravo": SIGNERS["bravo"].sign(signed_bytes("trading", 0, 2, "alpha")),
    },
}


@pytest.mark.parametrize("signatures", FORGERIES.values(), ids=FORGERIES.keys())
def test_one_stolen_key_and_the_secret_make_no_certificate(
    tmp_path: Path, signatures: dict[str, bytes]
) -> None:
    async def story(engine: Engine, address: Address) -> None:
        prove(engine)
        sentinels = await introduced(address)
        await until(lambda: pinned(engine) == list(NAMES))
        thief = sentinels[0]
        thief.send(forged(signatures))
        assert await settled(engine, thief) is Role.STANDBY
        thief.send(Grant(certificate("alpha", ("alpha", "bravo"))))  # and a true one would have been taken
        await until(lambda: engine.host.replica.view().role is Role.CANDIDATE)
        for client in sentinels:
            await client.close()

    with_engine(tmp_path, story)


async def settled(engine: Engine, client: Client) -> Role:
    """The engine's role once it has read all that was sent: what comes behind it on the connection is read, too."""
    before = engine.counters.values.get("frames_malformed", 0)
    connection = client._connection
    assert connection is not None
    connection._send_payload(b"\xc1")
    await until(lambda: engine.counters.values.get("frames_malformed", 0) > before)
    role = engine.host.replica.view().role
    await until(lambda: client.up and client._connection is not connection)
    return role


def test_a_pinned_name_takes_no_other_key_whatever_the_secret(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async def story(engine: Engine, address: Address) -> None:
        prove(engine)
        sentinels = await introduced(address)
        await until(lambda: pinned(engine) == list(NAMES))
        before = engine.roster._path.read_bytes()
        thief = sentinel("bravo", address, Heartbeat, [], secret=SECRET, signer=FRESH)
        await until(lambda: engine.counters.values.get("introductions_refused", 0) >= 2)
        assert engine.roster._path.read_bytes() == before
        await thief.close()
        for client in sentinels:
            assert client.up, "the others are left alone"
            await client.close()

    with_engine(tmp_path, story)
    told = capfd.readouterr().out
    assert told.count('"key_pinned"') == 3
    assert told.count('"key_refused"') == 1, "told once, counted each time"
    assert FRESH.public.hex() in told


def test_nobody_hands_over_a_certificate_who_has_not_shown_a_key(tmp_path: Path) -> None:
    async def story(engine: Engine, address: Address) -> None:
        prove(engine)
        sentinels = await introduced(address)
        await until(lambda: pinned(engine) == list(NAMES))
        silent = sentinel("bravo", address, Heartbeat, [], secret=SECRET)
        silent._on_up = lambda: None
        await until(lambda: silent.up)
        silent.send(Grant(certificate("alpha", ("alpha", "bravo"))))
        assert await settled(engine, silent) is Role.STANDBY
        for client in (*sentinels, silent):
            await client.close()

    with_engine(tmp_path, story)


# --- in the name of an engine

LIFE = Life("store-2", Age(1, 1, 1))
ANSWERS = (
    PreVoteReply(1, 0, granted=True),
    SealReply(1, 1, granted=True, last_epoch=0, last_index=0, life=LIFE),
    AppendReply(1, 1, 1, 1, 1, LIFE, matched=True, proven=True),
)


async def moved(engine: Engine, client: Client) -> bool:
    """Whether a yes to all that the candidate may ask has moved it as far as to promise."""
    for message in ANSWERS:
        client.send(message)
    await settled(engine, client)
    return engine.host.replica.view().promised_epoch > 0


@pytest.mark.parametrize("signer", [None, FRESH], ids=["no key", "a key of its own"])
def test_the_secret_alone_is_no_engine_of_a_majority(tmp_path: Path, signer: Signer | None) -> None:
    """Its yes, in the name of an engine that is away, acknowledged what was on one disk alone."""

    async def story(engine: Engine, address: Address) -> None:
        prove(engine)
        sentinels = await introduced(address)
        await until(lambda: pinned(engine) == list(NAMES))
        rogue = engine_client("bravo", address, secret=SECRET, signer=signer or FRESH)
        if signer is None:
            rogue._on_up = lambda: None
        await until(lambda: rogue.up)
        sentinels[0].send(Grant(certificate("alpha", ("alpha", "bravo"))))
        await until(lambda: engine.host.replica.view().role is Role.CANDIDATE)
        assert not await moved(engine, rogue)
        for client in (*sentinels, rogue):
            await client.close()

    with_engine(tmp_path, story)


def test_an_engine_with_the_key_of_its_address_is_heard_where_the_rogue_is_not(tmp_path: Path) -> None:
    """The same words from bravo itself carry the election, and its rogue's don't, however late it comes."""

    def show(connection: Connection) -> None:
        connection.send(introduction(BRAVO, "engine-bravo", connection.binding))

    async def story(engine: Engine, address: Address) -> None:
        prove(engine)
        codec = Codec("engine-bravo", link_key(SECRET), msgspec.msgpack.Decoder(object))
        at = settings.address({"BRAVO": bravo_at}, "BRAVO")
        server = await serve(codec, Callbacks(on_message=lambda *_: None, on_up=show), *at)
        engine.host.peers["bravo"].start()
        bravo = engine_client("bravo", address, secret=SECRET, signer=BRAVO)
        await until(lambda: engine.peers.connected("bravo"))
        rogue = engine_client("bravo", address, secret=SECRET, signer=FRESH)
        await until(lambda: engine.counters.values.get("introductions_refused", 0) == 1)
        sentinels = await introduced(address)
        await until(lambda: pinned(engine) == list(NAMES))
        sentinels[0].send(Grant(certificate("alpha", ("alpha", "bravo"))))
        await until(lambda: engine.host.replica.view().role is Role.CANDIDATE)
        assert not await moved(engine, rogue)
        assert await moved(engine, bravo)
        await until(lambda: engine.host.replica.view().role is Role.PRIMARY)
        for client in (*sentinels, rogue, bravo, engine.host.peers["bravo"]):
            await client.close()
        server.close()

    ports = free_ports(2)
    bravo_at = f"127.0.0.1:{ports[0]}"
    with_engine(tmp_path, story, PEERS=f"bravo={bravo_at},charlie=127.0.0.1:{ports[1]}")


# --- and at a sentinel


def at_a_tower(tmp_path: Path, deed: Callable[[Watchtower, Client], Awaitable[None]]) -> None:
    """Alpha's sentinel, where bravo's has shown its key; the attacker holds bravo's connection."""

    async def story(tower: Watchtower, address: Address) -> None:
        clients.extend(sentinel(name, address, FromPeer, [], secret=SECRET) for name in ("bravo", "charlie"))
        await until(lambda: len(tower._introductions._made) == 2)
        await deed(tower, clients[0])
        for client in clients:
            await client.close()

    clients: list[Client] = []
    with_tower(tmp_path, story)


def refused(tower: Watchtower) -> int:
    return tower.counters.values.get("signatures_refused", 0)


def test_a_sentinel_hears_no_vote_that_is_not_signed_by_its_voter(tmp_path: Path) -> None:
    async def deed(tower: Watchtower, bravo: Client) -> None:
        signature = SIGNERS["charlie"].sign(MESSAGE)
        bravo.send(Motion(0, 1, "alpha", signature))
        bravo.send(Second(0, 1, "alpha", signature, 1))
        bravo.send(Issued(certificate("alpha", ("bravo",))))
        bravo.send(Issued(certificate("alpha", ("bravo", "bravo"))))
        await until(lambda: refused(tower) == 4)
        bravo.send(Second(0, 1, "alpha", None, 1))
        bravo.send(Motion(0, 1, "alpha", SIGNERS["bravo"].sign(MESSAGE)))
        bravo.send(Accusation(0, lost=True, promised_epoch=0))
        await until(lambda: "bravo" in tower.sentinel._view._judgements)
        assert refused(tower) == 4
        bravo.send(Issued(certificate("alpha", ("bravo", "charlie"))))
        await until(lambda: tower.sentinel._candidacy.pending is not None)

    at_a_tower(tmp_path, deed)


def test_a_sentinel_seconds_no_thief_that_it_does_not_agree_with(tmp_path: Path) -> None:
    """A thief's true signature moves nothing: the second one must be given from one's own suspicion."""

    async def deed(tower: Watchtower, bravo: Client) -> None:
        bravo.send(Motion(0, 1, "bravo", SIGNERS["bravo"].sign(signed_bytes("trading", 0, 1, "bravo"))))
        bravo.send(Accusation(0, lost=True, promised_epoch=0))
        await until(lambda: "bravo" in tower.sentinel._view._judgements)
        assert tower.sentinel._docket.voted_epoch == 0
        assert tower._box.last is None

    at_a_tower(tmp_path, deed)


def test_a_sentinel_keeps_its_key_to_itself(tmp_path: Path) -> None:
    async def story(tower: Watchtower, _: Address) -> None:
        assert (tmp_path / "sentinel.key").stat().st_mode & 0o777 == 0o600
        await asyncio.sleep(0)

    with_tower(tmp_path, story)
    first = (tmp_path / "sentinel.key").read_bytes()
    with_tower(tmp_path, story)
    assert (tmp_path / "sentinel.key").read_bytes() == first
