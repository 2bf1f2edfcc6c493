"""Bad frames at an engine's and a sentinel's door, over real sockets: each costs its connection, is counted among the
service's metrics, reaches nobody, and leaves the others alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import pytest
from test_shells import FORGED, SECRET, connect, until, with_engine, with_tower
from test_wire import HELLO, Attacker

from trading_stack import wire
from trading_stack.engine.messages import FromEngine, Submit
from trading_stack.engine.service import Engine
from trading_stack.keys import link_key
from trading_stack.sentinel.messages import FromPeer
from trading_stack.sentinel.service import Watchtower
from trading_stack.settings import Address

pytestmark = pytest.mark.processes

KEY: Final = link_key(SECRET)
Attack = Callable[[Attacker, bytes], bytes]


def recorded(attacker: Attacker, payload: bytes) -> bytes:
    """A frame of a connection before this one: under the same key and name, with other nonces."""
    hello = wire.MAGIC + b"o" * 16 + b"gateway-evil"
    key = wire.direction_key(KEY, dialler=hello, acceptor=attacker.server_hello, to_acceptor=True)
    return wire.Sealer(key).seal(payload)


def replayed(attacker: Attacker, payload: bytes) -> bytes:
    frame = attacker.sealer(KEY).seal(b"")
    return frame + frame


def skipped(attacker: Attacker, payload: bytes) -> bytes:
    sealer = attacker.sealer(KEY)
    sealer.seal(b"")
    return sealer.seal(payload)


def flipped(attacker: Attacker, payload: bytes) -> bytes:
    frame = attacker.sealer(KEY).seal(payload)
    return frame[:-1] + bytes([frame[-1] ^ 1])


def shortened(attacker: Attacker, payload: bytes) -> bytes:
    """A byte is missing within, and the next frame follows."""
    sealer, at = attacker.sealer(KEY), wire.PREFIX.size
    frame = sealer.seal(payload)
    return frame[:at] + frame[at + 1 :] + sealer.seal(payload)


ATTACKS: Final[dict[str, tuple[Attack, str]]] = {
    "forged": (lambda a, payload: a.sealer(link_key(b"guess")).seal(payload), "frames_forged"),
    "of another cluster": (lambda a, payload: a.sealer(link_key(b"other")).seal(payload), "frames_forged"),
    "a flipped bit": (flipped, "frames_forged"),
    "shortened": (shortened, "frames_forged"),
    "of an earlier connection": (recorded, "frames_forged"),
    "replayed": (replayed, "frames_replayed"),
    "one left out": (skipped, "frames_replayed"),
    "oversized": (lambda *_: wire.PREFIX.pack(1 << 30, 1), "frames_oversized"),
    "makes no sense": (lambda a, _: a.sealer(KEY).seal(b"\xc1"), "frames_malformed"),
}


async def suffers(figures: Callable[[], dict[str, float]], address: Address, payload: bytes) -> None:
    """Each attack ends its own connection, and adds one to its own count."""
    for name, (attack, counter) in ATTACKS.items():
        before = counts(figures)

        def whole(attack: Attack = attack) -> bool:
            attacker = Attacker(address, HELLO)
            attacker.socket.sendall(attack(attacker, payload))
            return attacker.ended()

        assert await asyncio.to_thread(whole), name
        after = counts(figures)
        assert after.get(counter, 0) == before.get(counter, 0) + 1, name
        assert {k: v for k, v in after.items() if k != counter} == {
            k: v for k, v in before.items() if k != counter
        }, name


async def suffers_a_cut(figures: Callable[[], dict[str, float]], address: Address, payload: bytes) -> None:
    """A connection that ends within a frame, at each of its bytes, is counted as well."""

    def cut(at: int) -> None:
        attacker = Attacker(address, HELLO)
        attacker.socket.sendall(attacker.sealer(KEY).seal(payload)[:at])
        attacker.socket.close()

    length = len(wire.Sealer(KEY).seal(payload))
    for at in range(1, length):
        await asyncio.to_thread(cut, at)
        await until(lambda at=at: counts(figures).get("frames_truncated", 0) == at)  # type: ignore[misc]


def counts(figures: Callable[[], dict[str, float]]) -> dict[str, float]:
    """What the service's metrics say of frames."""
    wires = {name.removeprefix("wire_").removesuffix("_total"): n for name, n in figures().items()}
    return {name: n for name, n in wires.items() if name.startswith("frames_")}


def test_an_engine_pays_no_more_than_the_connection(tmp_path: Path) -> None:
    async def story(engine: Engine, address: Address) -> None:
        heard: list[object] = []
        honest = connect("gateway-x", address, FromEngine, heard)
        await until(lambda: len(heard) == 1)
        payload = msgspec.msgpack.encode(Submit(7, b"evil"))
        await suffers(engine.figures, address, payload)
        await suffers_a_cut(engine.figures, address, payload)
        assert engine.figures()["engine_commands_total"] == 0
        honest.send(Submit(1, b"command"))
        await until(lambda: len(heard) == 2)
        assert honest.up
        await honest.close()

    with_engine(tmp_path, story)


def test_a_sentinel_pays_no_more_than_the_connection(tmp_path: Path) -> None:
    async def story(tower: Watchtower, address: Address) -> None:
        honest = connect("sentinel-bravo", address, FromPeer, [])
        await until(lambda: honest.up)
        payload = msgspec.msgpack.encode(FORGED)
        await suffers(tower.figures, address, payload)
        await suffers_a_cut(tower.figures, address, payload)
        assert honest.up
        assert tower.sentinel.leader is None
        await honest.close()

    with_tower(tmp_path, story)


def test_no_flipped_bit_of_a_frame_is_taken() -> None:
    frame = wire.Sealer(KEY).seal(msgspec.msgpack.encode(Submit(7, b"a command")))
    codec = wire.Codec("x", KEY, msgspec.msgpack.Decoder(Submit))
    for at in range(len(frame)):
        for bit in range(8):
            changed = frame[:at] + bytes([frame[at] ^ 1 << bit]) + frame[at + 1 :]
            with pytest.raises(wire.FrameRefused, match="frames_forged"):
                wire.Opener(KEY, codec).open(changed)


@pytest.mark.parametrize("defect", ["replay_accepted", "unauthenticated"])
def test_planted_mistakes_take_bad_frames(defect: str) -> None:
    frame = wire.Sealer(b"guess" if defect == "unauthenticated" else KEY).seal(b"payload")
    opener = wire.Opener(KEY, wire.Codec("x", KEY, msgspec.msgpack.Decoder(Submit), **{defect: True}))
    assert opener.open(frame) == b"payload"
    if defect == "replay_accepted":
        assert opener.open(frame) == b"payload"
