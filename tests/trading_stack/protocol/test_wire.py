"""Frames over real sockets: what arrives, and what costs its connection."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec
import pytest

from trading_stack import wire
from trading_stack.dial import Client, Redial
from trading_stack.engine.messages import Done, FromEngine, FromGateway, Submit
from trading_stack.keys import link_key
from trading_stack.settings import Address
from trading_stack.wire import LENGTH, Callbacks, Codec, Connection, FrameRefused, Opener, Sealer, serve

KEY = link_key(b"secret")


@dataclass
class Far:
    """A server that answers each submit, and what happened at it."""

    codec: Codec
    up: list[str] = field(default_factory=list)
    down: list[str] = field(default_factory=list)
    got: list[object] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)

    def callbacks(self) -> Callbacks:
        return Callbacks(
            on_message=self.take,
            on_up=lambda connection: self.up.append(connection.peer),
            on_down=lambda _, why: self.down.append(why),
        )

    def take(self, connection: Connection, message: object) -> None:
        self.got.append(message)
        self.connections.append(connection)
        assert isinstance(message, Submit)
        connection.send(Done(message.request, 1, 1, message.command))


def far_codec(**changes: object) -> Codec:
    decoder = msgspec.msgpack.Decoder(FromGateway)
    return Codec(**{"name": "engine-x", "key": KEY, "decoder": decoder, **changes})  # type: ignore[arg-type]


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - many kinds of state, one way to wait
            await asyncio.sleep(0.001)


def run(story: Callable[[Far, Address], Awaitable[None]], **changes: object) -> Far:
    async def main() -> Far:
        far = Far(far_codec(**changes))
        server = await serve(far.codec, far.callbacks(), "127.0.0.1", 0)
        await story(far, Address("127.0.0.1", server.sockets[0].getsockname()[1]))
        server.close()
        return far

    return asyncio.run(main())


def near(address: Address, got: list[object], *, key: bytes = KEY, **more: object) -> Client:
    codec = Codec("gateway-x", key, msgspec.msgpack.Decoder(FromEngine))
    return Client(address, codec, on_message=got.append, **more)  # type: ignore[arg-type]


def test_messages_go_both_ways_in_order() -> None:
    got: list[object] = []

    async def story(far: Far, address: Address) -> None:
        client = near(address, got).start()
        await until(lambda: client.up)
        for number in range(100):
            assert client.send(Submit(number, b"c"))
        await until(lambda: len(got) == 100)
        await client.close()
        await until(lambda: far.down != [])

    far = run(story)
    assert [message.request for message in got if isinstance(message, Done)] == list(range(100))
    assert far.up == ["gateway-x"]


def test_a_client_dials_again_when_its_connection_drops() -> None:
    got: list[object] = []
    falls: list[str] = []

    async def story(far: Far, address: Address) -> None:
        client = near(address, got, on_down=falls.append).start()
        await until(lambda: client.up)
        client.drop("a test")
        assert not client.up or client.send(Submit(1, b""))
        await until(lambda: len(far.up) == 2)
        client.send(Submit(2, b""))
        await until(lambda: got != [])
        await client.close()
        await client.close()

    run(story)
    assert falls[0] == "a test"


def test_a_far_end_without_the_key_never_counts_as_up() -> None:
    failures: list[str] = []

    async def story(far: Far, address: Address) -> None:
        client = near(address, [], key=link_key(b"another"), on_dial_failed=failures.append).start()
        await until(lambda: len(failures) > 1)
        assert not client.up
        assert not client.send(Submit(1, b""))
        await client.close()

    far = run(story)
    assert far.up == []
    assert far.codec.counters.values["frames_forged"] >= 1


def test_a_connect_that_nobody_answers_is_no_evidence_of_life() -> None:
    failures: list[str] = []

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as mute:
            address = Address(*mute.getsockname()[:2])
            client = near(address, [], on_dial_failed=failures.append, redial=Redial(hello_within_s=0.05))
            client.start()
            await until(lambda: len(failures) > 0)
            assert not client.up
            await client.close()

    asyncio.run(main())


def test_a_hastened_client_waits_no_longer_for_its_next_dial() -> None:
    failures: list[str] = []

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            address = Address(*closed.getsockname()[:2])
        never = Redial(first_s=1000, most_s=1000)
        client = near(address, [], on_dial_failed=failures.append, redial=never).start()
        for dials in (1, 2):
            await until(lambda dials=dials: len(failures) == dials)
            client.hasten()
        await until(lambda: len(failures) == 3)
        await client.close()

    asyncio.run(main())


class Attacker:
    """A far end that holds no key, or replays what it recorded from one that does."""

    def __init__(self, address: Address, hello: bytes) -> None:
        self.socket = socket.create_connection(address)
        self.socket.settimeout(5)
        self.hello = hello
        self.socket.sendall(LENGTH.pack(len(hello)) + hello)
        self.server_hello = self._exactly(LENGTH.unpack(self._exactly(LENGTH.size))[0])

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += self.socket.recv(count - len(data))
        return data

    def sealer(self, key: bytes = KEY) -> Sealer:
        return Sealer(
            wire.direction_key(key, dialler=self.hello, acceptor=self.server_hello, to_acceptor=True)
        )

    def ended(self) -> bool:
        try:
            while self.socket.recv(4096):
                pass
        except ConnectionError:
            pass
        except TimeoutError:
            return False
        finally:
            self.socket.close()
        return True


HELLO = wire.MAGIC + b"n" * 16 + b"gateway-evil"


def attack(deed: Callable[[Attacker], None], **changes: object) -> tuple[Far, bool]:
    ended: list[bool] = []

    def whole(address: Address) -> None:
        attacker = Attacker(address, HELLO)
        deed(attacker)
        attacker.socket.settimeout(0.3)
        ended.append(attacker.ended())

    async def story(far: Far, address: Address) -> None:
        await asyncio.to_thread(whole, address)

    return run(story, **changes), ended[0]


def submit(number: int) -> bytes:
    return msgspec.msgpack.encode(Submit(number, b"c"))


def test_a_forged_frame_costs_its_connection() -> None:
    far, ended = attack(lambda a: a.socket.sendall(a.sealer(b"guess").seal(submit(1))))
    assert ended
    assert far.got == []
    assert far.codec.counters.values == {"frames_forged": 1}


def test_a_repeated_frame_costs_its_connection() -> None:
    def deed(attacker: Attacker) -> None:
        frame = attacker.sealer().seal(submit(1))
        attacker.socket.sendall(frame + frame)

    far, ended = attack(deed)
    assert ended
    assert len(far.got) == 1
    assert far.codec.counters.values["frames_replayed"] == 1


def test_a_repeated_frame_is_taken_by_the_planted_mistake() -> None:
    def deed(attacker: Attacker) -> None:
        frame = attacker.sealer().seal(submit(1))
        attacker.socket.sendall(frame + frame)

    far, ended = attack(deed, replay_accepted=True)
    assert not ended
    assert len(far.got) == 2


def test_a_recording_of_another_connection_is_worth_nothing() -> None:
    recorded: list[bytes] = []
    far, _ = attack(lambda a: recorded.append(a.sealer().seal(submit(1))))
    assert far.got == []
    far, ended = attack(lambda a: a.socket.sendall(recorded[0]))
    assert ended
    assert far.got == []
    assert far.codec.counters.values["frames_forged"] == 1


def test_an_unauthenticated_frame_is_taken_by_the_planted_mistake() -> None:
    far, ended = attack(lambda a: a.socket.sendall(a.sealer(b"guess").seal(submit(1))), unauthenticated=True)
    assert not ended
    assert len(far.got) == 1


def test_a_frame_that_is_too_long_costs_its_connection_before_it_arrives() -> None:
    far, ended = attack(lambda a: a.socket.sendall(wire.PREFIX.pack(1 << 30, 1)))
    assert ended
    assert far.codec.counters.values == {"frames_oversized": 1}


def test_a_hello_that_is_too_long_costs_its_connection() -> None:
    async def story(far: Far, address: Address) -> None:
        _, writer = await asyncio.open_connection(*address)
        writer.write(LENGTH.pack(1 << 20))
        await until(lambda: far.codec.counters.values == {"frames_oversized": 1})
        writer.close()

    run(story)


@pytest.mark.parametrize("hello", [b"HTTP/1.1", b"TSW1short", wire.MAGIC[:3] + b"x" * 40])
def test_a_malformed_hello_costs_its_connection(hello: bytes) -> None:
    async def story(far: Far, address: Address) -> None:
        _, writer = await asyncio.open_connection(*address)
        writer.write(LENGTH.pack(len(hello)) + hello)
        await until(lambda: far.codec.counters.values == {"hellos_malformed": 1})
        writer.close()

    run(story)


def test_an_authentic_frame_that_makes_no_sense_costs_its_connection() -> None:
    far, ended = attack(lambda a: a.socket.sendall(a.sealer().seal(b"\xc1nonsense")))
    assert ended
    assert far.codec.counters.values["frames_malformed"] == 1


def test_frames_are_found_however_they_are_cut() -> None:
    async def story(far: Far, address: Address) -> None:
        attacker = await asyncio.to_thread(Attacker, address, HELLO)
        sealer = attacker.sealer()
        for byte in sealer.seal(b"") + sealer.seal(submit(1)):
            attacker.socket.sendall(bytes([byte]))
            await asyncio.sleep(0)
        await until(lambda: len(far.got) == 1)
        attacker.socket.close()

    run(story)


def test_a_silent_connection_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "KEEPALIVE_S", 0.01)

    async def story(far: Far, address: Address) -> None:
        client = near(address, []).start()
        await until(lambda: client.up)
        attacker = await asyncio.to_thread(Attacker, address, HELLO)
        assert await asyncio.to_thread(attacker.ended)
        assert client.up, "a connection that is kept alive stays"
        await client.close()

    run(story)


def test_a_connection_that_trickles_and_proves_nothing_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "KEEPALIVE_S", 0.02)

    async def story(far: Far, address: Address) -> None:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(LENGTH.pack(200))
        with suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b"x")
                with suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(64), 0.005)
        writer.close()
        assert far.up == []

    run(story)


def test_a_backlog_that_grows_too_long_costs_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "BACKLOG_LIMIT_BYTES", 1 << 16)

    async def story(far: Far, address: Address) -> None:
        attacker = await asyncio.to_thread(Attacker, address, HELLO)
        attacker.socket.sendall(attacker.sealer().seal(submit(1)))
        await until(lambda: len(far.got) == 1)
        for _ in range(100):
            far.connections[0].send(Done(1, 1, 1, b"x" * 100_000))
        await until(lambda: far.codec.counters.values.get("backlogs_dropped") == 1)
        far.connections[0].send(Done(1, 1, 1, b""))  # to a closed connection: nothing happens
        attacker.socket.close()

    run(story)


def test_sequences_must_rise_by_one() -> None:
    sealer, opener = Sealer(b"k"), Opener(b"k", far_codec())
    first, second = sealer.seal(b"1"), sealer.seal(b"2")
    with pytest.raises(FrameRefused, match="frames_replayed"):
        opener.open(second)
    assert opener.open(first) == b"1"
    assert opener.open(second) == b"2"
    with pytest.raises(FrameRefused, match="frames_forged"):
        opener.open(second[:-1] + b"3")
