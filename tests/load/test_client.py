"""Clients over a fake adapter in memory: no sockets, greenlets of the very hub that the driver uses."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import gevent
import pytest
from gevent.event import Event

from harness.load.client import Attempted, Client
from harness.load.connection import Gateway, Mishaps
from harness.load.policy import MILLISECOND_NS, ReconnectPolicy
from harness.model.operations import (
    CompareAndSet,
    Info,
    NewOrder,
    Ok,
    Operation,
    ReadRegister,
    Reply,
    Side,
    WriteRegister,
)
from harness.stack.adapter import Adapter, Address

ORDER = NewOrder("account", "id-1", "BTC-PERPETUAL", Side.BUY, 1)
GATEWAYS = [
    Gateway(name, name[0], Address("127.0.0.1", port)) for port, name in enumerate(("alpha", "bravo"))
]
QUICK = ReconnectPolicy(
    moves=True,
    ping_every_ns=5 * MILLISECOND_NS,
    silent_for_ns=30 * MILLISECOND_NS,
    dial_every_ns=20 * MILLISECOND_NS,
    dial_limit_ns=60 * MILLISECOND_NS,
    hold_ns=400 * MILLISECOND_NS,
    wait_ns=500 * MILLISECOND_NS,
)


class World:
    """How each gateway behaves now, by port, and what it was sent."""

    def __init__(self) -> None:
        self.mode = {0: "answers", 1: "answers"}
        self.received: list[tuple[int, Operation]] = []
        self.dialled: list[int] = []
        self.closed = 0

    def adapter(self) -> Adapter:
        return FakeAdapter(self)


class FakeAdapter:
    def __init__(self, world: World) -> None:
        self._world = world
        self._port = -1
        self._gone = Event()

    def connect(self, address: Address, *, deadline_s: float) -> None:
        self._port = address.port
        self._world.dialled.append(self._port)
        if self._mode == "refuses":
            raise ConnectionRefusedError
        if self._mode == "broken adapter":
            raise ValueError("planted")

    def invoke(self, operation: Operation, *, deadline_s: float) -> Reply:
        self._world.received.append((self._port, operation))
        match self._mode:
            case "raises":
                raise RuntimeError("planted")
            case "overruns":
                self._gone.wait(10)
            case "nonsense":
                return "ok"  # type: ignore[return-value]
            case "unknown":
                return Info("the gateway doesn't know")
            case "mute" | "holds":
                self._gone.wait(deadline_s)
                return Info("no answer")
            case "resets":
                return Info("connection reset")
        return Ok()

    def ping(self, *, deadline_s: float) -> bool:
        if self._mode == "mute":
            self._gone.wait(deadline_s)
        return self._mode not in ("mute", "resets")

    def close(self) -> None:
        self._world.closed += 1
        self._gone.set()

    @property
    def _mode(self) -> str:
        return self._world.mode[self._port]


class SilentFake(FakeAdapter):
    ping = None  # type: ignore[assignment]  # an adapter without the optional protocol


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def mishaps() -> Mishaps:
    return Mishaps()


@pytest.fixture
def make(world: World, mishaps: Mishaps) -> Iterator[Callable[..., Client]]:
    def made(policy: ReconnectPolicy = QUICK, factory: Callable[[], Adapter] | None = None) -> Client:
        client = Client("client", GATEWAYS, factory or world.adapter, policy, mishaps)
        client.start()
        return client

    yield made
    world.mode = {0: "answers", 1: "answers"}
    gevent.sleep(0.03)


def perform(client: Client, *, wait_ms: int = 500, sent: list[str] | None = None) -> Attempted:
    log = sent if sent is not None else []
    give_up_ns = time.monotonic_ns() + wait_ms * MILLISECOND_NS
    return client.perform(ORDER, give_up_ns=give_up_ns, on_sent=lambda _, gateway: log.append(gateway.name))


def test_an_answer_at_the_first_attempt(make: Callable[..., Client]) -> None:
    client, sent = make(), list[str]()
    assert client.wait_connected(1)
    attempted = perform(client, sent=sent)
    assert attempted[:4] == (Ok(), GATEWAYS[0], 1, "ok")
    assert sent == ["alpha"]


def test_silence_moves_the_client_and_the_same_order_is_sent_again(
    make: Callable[..., Client], world: World
) -> None:
    client, sent = make(), list[str]()
    assert client.wait_connected(1)
    world.mode[0] = "mute"
    attempted = perform(client, sent=sent)
    assert attempted[:4] == (Ok(), GATEWAYS[1], 2, "info")
    assert world.received == [(0, ORDER), (1, ORDER)]
    assert sent == ["alpha"]
    assert client.reconnects == 1


def test_a_gateway_that_holds_orders_but_answers_pings_is_not_left(
    make: Callable[..., Client], world: World
) -> None:
    """Planted: taking a slow order for a dead connection would leave a healthy gateway."""
    client = make()
    assert client.wait_connected(1)
    world.mode[0] = "holds"
    attempted = perform(client, wait_ms=200)
    assert isinstance(attempted.reply, Info)
    assert (attempted.attempts, client.reconnects) == (1, 0)


def test_a_reset_is_noticed_at_once_and_the_order_goes_elsewhere(
    make: Callable[..., Client], world: World
) -> None:
    client = make()
    assert client.wait_connected(1)
    world.mode[0] = "resets"
    attempted = perform(client)
    assert (attempted.reply, attempted.gateway.name, attempted.attempts) == (Ok(), "bravo", 2)


def test_a_gateway_that_says_unknown_has_spoken(make: Callable[..., Client], world: World) -> None:
    client = make()
    assert client.wait_connected(1)
    world.mode[0] = "unknown"
    attempted = perform(client)
    assert attempted[:4] == (Info("the gateway doesn't know"), GATEWAYS[0], 1, "info")


def test_a_pinned_client_stays_and_waits_only_so_long(make: Callable[..., Client], world: World) -> None:
    import msgspec

    world.mode[0] = "refuses"
    client, sent = make(msgspec.structs.replace(QUICK, moves=False, hold_ns=30 * MILLISECOND_NS)), list[str]()
    attempted = perform(client, sent=sent)
    assert attempted[:4] == (Info("there was no connection"), GATEWAYS[0], 0, "info")
    assert sent == []
    world.mode[0] = "answers"
    assert client.wait_connected(1)
    assert set(world.dialled) == {0}


def test_a_dial_that_hangs_in_the_dark_does_not_delay_the_next(
    make: Callable[..., Client], world: World
) -> None:
    world.mode[0] = "mute"  # a proxy completed the handshake; nobody is behind it
    began = time.monotonic()
    client = make()
    assert client.wait_connected(1)
    assert perform(client).gateway.name == "bravo"
    assert time.monotonic() - began < QUICK.dial_limit_ns / 1e9


def test_a_refused_dial_goes_on_at_once(make: Callable[..., Client], world: World) -> None:
    world.mode[0] = "refuses"
    client = make()
    assert client.wait_connected(1)
    assert world.dialled == [0, 1]


@pytest.mark.parametrize("mode", ["raises", "nonsense"])
def test_what_an_adapter_may_not_do_is_unknown_and_counted(
    make: Callable[..., Client], world: World, mishaps: Mishaps, mode: str
) -> None:
    client = make()
    assert client.wait_connected(1)
    world.mode[0] = mode
    attempted = perform(client)
    assert isinstance(attempted.reply, Info)
    assert attempted.attempts == 1
    assert mishaps.exceptions == 1
    assert "planted" in mishaps.last or "str" in mishaps.last


def test_a_deadline_that_an_adapter_ignores_is_enforced(
    make: Callable[..., Client], world: World, mishaps: Mishaps
) -> None:
    client = make()
    assert client.wait_connected(1)
    world.mode[0] = "overruns"
    began = time.monotonic()
    attempted = perform(client, wait_ms=50)
    assert isinstance(attempted.reply, Info)
    assert "overran" in attempted.reply.reason
    assert time.monotonic() - began < 1
    assert mishaps.overruns == 1


def test_an_adapter_that_cannot_connect_for_a_reason_of_its_own_is_counted(
    make: Callable[..., Client], world: World, mishaps: Mishaps
) -> None:
    world.mode[0] = "broken adapter"
    assert make().wait_connected(1)
    assert mishaps.last == "ValueError: planted"


def test_without_a_heartbeat_only_the_deadline_ends_an_order(
    make: Callable[..., Client], world: World
) -> None:
    client = make(factory=lambda: SilentFake(world))
    assert client.wait_connected(1)
    world.mode[0] = "mute"
    attempted = perform(client, wait_ms=100)
    assert isinstance(attempted.reply, Info)
    assert attempted.attempts == 1


def test_adapters_of_lost_dials_and_dead_connections_are_closed(
    make: Callable[..., Client], world: World
) -> None:
    client = make()
    assert client.wait_connected(1)
    world.mode[0] = "mute"
    perform(client)
    gevent.sleep(0.01)
    assert world.closed == 1


@pytest.mark.parametrize(
    ("operation", "attempts"),
    [(WriteRegister("k", "a"), 1), (CompareAndSet("k", None, "a"), 1), (ReadRegister("k"), 2)],
)
def test_a_change_of_a_register_is_never_sent_twice(
    make: Callable[..., Client], world: World, operation: Operation, attempts: int
) -> None:
    """Planted: sent again, it may undo what others wrote since the first took effect."""
    client = make()
    assert client.wait_connected(1)
    world.mode[0] = "resets"
    give_up_ns = time.monotonic_ns() + 500 * MILLISECOND_NS
    attempted = client.perform(operation, give_up_ns=give_up_ns, on_sent=lambda *_: None)
    assert attempted.attempts == attempts
    assert len(world.received) == attempts
