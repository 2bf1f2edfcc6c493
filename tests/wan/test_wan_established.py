"""What becomes of established connections: kept, cut, refused anew, ended while they open, on real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest
import uvloop
from wan_support import (
    LinkUnderTest,
    Pair,
    Server,
    Upstream,
    connect,
    receive,
    round_trip_s,
    silent,
    was_reset,
)

from harness.wan.changes import PutToxic
from harness.wan.connection import Runtime
from harness.wan.proxy import Proxy
from harness.wan.timing import Timer
from harness.wan.toxics import (
    Drop,
    Established,
    Gate,
    Latency,
    Reject,
    Stall,
    Stream,
    Timeout,
)

pytestmark = pytest.mark.processes


@pytest.mark.parametrize(
    "toxic", [Stall(established=Established.KEEP), Drop(established=Established.KEEP)], ids=["stall", "drop"]
)
def test_established_connections_can_be_kept(link: LinkUnderTest, pair: Pair, toxic: Gate) -> None:
    near, far = pair
    link.put_both(toxic)
    near.sendall(b"flows")
    assert receive(far, 5) == b"flows"
    link.remove_both()
    far.sendall(b"flows")
    assert receive(near, 5) == b"flows"


@pytest.mark.parametrize(
    "toxic",
    [Reject(), Drop(established=Established.CUT), Stall(established=Established.CUT)],
    ids=["reject", "drop", "stall"],
)
def test_established_connections_can_be_cut(link: LinkUnderTest, pair: Pair, toxic: Gate) -> None:
    link.put_both(toxic)
    assert was_reset(pair[0])
    assert was_reset(pair[1])


def test_what_happens_to_established_connections_can_change(link: LinkUnderTest, pair: Pair) -> None:
    near, far = pair
    link.put(Stall(established=Established.KEEP))
    link.put(Stall(established=Established.STALL))
    near.sendall(b"stalled")
    assert silent(far)
    link.put(Stall(established=Established.CUT))
    assert was_reset(near)


def test_a_reject_refuses_and_keeps_its_port(link: LinkUnderTest, pair: Pair, upstream: Upstream) -> None:
    link.put(Reject(established=Established.KEEP))
    with pytest.raises(ConnectionRefusedError):
        connect(link.address)
    host, _, port = link.address.rpartition(":")
    with socket.socket() as thief, pytest.raises(OSError, match="in use"):
        thief.bind((host, int(port)))
    near, far = pair
    near.sendall(b"flows")
    assert receive(far, 5) == b"flows"
    link.remove()
    with connect(link.address) as late:
        late.sendall(b"hello")
        assert receive(upstream.accept(), 5) == b"hello"


def test_toxicity_is_drawn_from_the_seed_for_each_connection(
    embedded: Server, echo: Upstream, link_name: Callable[[], str]
) -> None:
    def affected(name: str) -> list[bool]:
        address = embedded.client.create_link(name, "127.0.0.1:0", echo.address)
        embedded.client.apply([PutToxic(name, "half", Stream.UPSTREAM, Timeout(timeout_ms=10), 0.5)])
        drawn = []
        for _ in range(12):
            with connect(address) as sock:
                sock.sendall(b"x")
                drawn.append(sock.recv(1) == b"")
        embedded.client.delete(name)
        return drawn

    name = link_name()
    first = affected(name)
    assert first == affected(name)
    assert 0 < sum(first) < 12


def test_a_raised_toxicity_reaches_live_connections(echo_link: LinkUnderTest) -> None:
    with connect(echo_link.address) as sock:
        echo_link.put(Latency(latency_ms=30), toxicity=0)
        assert min(round_trip_s(sock) for _ in range(5)) < 0.03
        echo_link.put(Latency(latency_ms=30), toxicity=1)
        assert round_trip_s(sock) >= 0.03
        echo_link.put(Latency(latency_ms=30), toxicity=0)
        assert min(round_trip_s(sock) for _ in range(5)) < 0.03


@pytest.mark.parametrize("steps", range(5))
@pytest.mark.parametrize(
    "loop_factory", [uvloop.new_event_loop, asyncio.new_event_loop], ids=["uvloop", "asyncio"]
)
@pytest.mark.parametrize("end", [Proxy.sever, Proxy.stop])
def test_a_connection_can_be_ended_at_every_step_of_its_opening(
    upstream: Upstream,
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
    steps: int,
    end: Callable[[Proxy], object],
) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        failures: list[object] = []
        loop.set_exception_handler(lambda _, context: failures.append(context))
        timer = Timer(loop)
        proxy = Proxy(Runtime(loop, timer, 7), name="link", listen="127.0.0.1:0", upstream=upstream.address)
        proxy.start()
        with await loop.run_in_executor(None, connect, proxy.listen) as near:
            proxy._listener.drain()
            for _ in range(steps):
                await asyncio.sleep(0)
            end(proxy)
            assert not await loop.run_in_executor(None, silent, near)
        for _ in range(100):
            await asyncio.sleep(0.001)
            if not proxy.active:
                break
        assert proxy.active == 0
        proxy.close()
        timer.close()
        assert failures == []

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(scenario())
