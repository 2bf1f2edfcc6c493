"""`stall`, `drop` and `reject`: what goes dark stays dark, and what was stalled is severed, on real sockets."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from random import Random

import pytest
import uvloop
from wan_support import (
    LinkUnderTest,
    Server,
    Upstream,
    connect,
    die,
    eventually,
    open_link,
    receive,
    round_trip_s,
    silent,
    turned_away,
    was_reset,
)

from harness.wan.changes import PutToxic, RemoveToxic, Sever
from harness.wan.connection import Runtime
from harness.wan.proxy import Proxy
from harness.wan.timing import Timer
from harness.wan.toxics import (
    Bandwidth,
    Drop,
    Established,
    Gate,
    Latency,
    Reject,
    SlowClose,
    Stall,
    Stream,
    Timeout,
)

pytestmark = pytest.mark.processes

DARK = [pytest.param(Stall(), id="stall"), pytest.param(Drop(), id="drop")]


@pytest.fixture
def link(embedded: Server, upstream: Upstream, link_name: Callable[[], str]) -> Iterator[LinkUnderTest]:
    yield from open_link(embedded, upstream, link_name())


@pytest.fixture
def echo_link(embedded: Server, echo: Upstream, link_name: Callable[[], str]) -> Iterator[LinkUnderTest]:
    yield from open_link(embedded, echo, link_name())


@pytest.fixture
def pair(link: LinkUnderTest, upstream: Upstream) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of one established connection through the link."""
    with connect(link.address) as near, upstream.accept() as far:
        near.sendall(b"hello")
        assert receive(far, 5) == b"hello"
        far.sendall(b"hello")
        assert receive(near, 5) == b"hello"
        yield near, far


Pair = tuple[socket.socket, socket.socket]


@pytest.mark.parametrize("toxic", DARK)
def test_a_dark_link_passes_nothing_and_is_severed_when_lit(
    link: LinkUnderTest, pair: Pair, toxic: Gate
) -> None:
    near, far = pair
    span = link.put_both(toxic)
    assert span.last_ns >= span.first_ns
    near.sendall(b"never arrives")
    far.sendall(b"never arrives")
    assert silent(near)
    assert silent(far)
    stats = link.stats()
    assert (stats.active, stats.dark, stats.upstream.bytes_out, stats.downstream.bytes_out) == (1, 1, 5, 5)
    assert stats.upstream.last_out_ns < span.last_ns
    link.remove_both()
    assert was_reset(near)
    assert was_reset(far)
    assert eventually(lambda: link.stats().active == 0)
    assert link.stats().severed == 1


@pytest.mark.parametrize("toxic", DARK)
@pytest.mark.parametrize("death", [socket.socket.close, die], ids=["close", "reset"])
@pytest.mark.parametrize("victim", [0, 1], ids=["client", "server"])
def test_no_death_leaks_out_of_a_dark_link(
    link: LinkUnderTest, pair: Pair, toxic: Gate, death: Callable[[socket.socket], None], victim: int
) -> None:
    link.put_both(toxic)
    pair[victim].sendall(b"last words")
    death(pair[victim])
    survivor = pair[1 - victim]
    survivor.sendall(b"are you there?")
    assert silent(survivor)
    link.remove_both()
    assert was_reset(survivor)


def test_no_death_leaks_that_the_proxy_notices_by_writing(link: LinkUnderTest, pair: Pair) -> None:
    near, far = pair
    link.put(Stall(), stream=Stream.DOWNSTREAM)  # bytes still go upstream, where they meet a reset
    die(far)
    for _ in range(5):
        near.sendall(b"x")
        assert silent(near, 0.03)
    link.remove()
    assert was_reset(near)


@pytest.mark.parametrize("stream", list(Stream))
def test_one_way_stalls_leave_the_other_direction_alone(
    link: LinkUnderTest, pair: Pair, stream: Stream
) -> None:
    near, far = pair
    sender, receiver = (near, far) if stream is Stream.UPSTREAM else (far, near)
    link.put(Stall(), stream=stream)
    sender.sendall(b"stalled")
    receiver.sendall(b"flows")
    assert receive(sender, 5) == b"flows"
    assert silent(receiver)
    receiver.close()
    assert sender.recv(1) == b""  # the lit direction tells of its end


def test_a_sender_into_a_stall_is_stopped_by_full_buffers(link: LinkUnderTest, pair: Pair) -> None:
    near, _ = pair
    link.put(Stall())
    before = link.stats().upstream.bytes_in
    near.settimeout(0.2)
    with pytest.raises(TimeoutError):
        near.sendall(b"x" * 64 * 2**20)
    assert link.stats().upstream.bytes_in - before < 2**20


def test_bytes_on_their_way_do_not_come_out_after_the_link_went_dark(link: LinkUnderTest, pair: Pair) -> None:
    near, far = pair
    link.put(Latency(latency_ms=1_000), name="baseline")
    near.sendall(b"under way")
    eventually(lambda: link.stats().upstream.held_bytes == 9)
    link.put_both(Stall())
    assert silent(far, 1.2)
    assert link.stats().upstream.held_bytes == 9
    link.remove_both()
    assert was_reset(far)


def test_a_stall_that_does_not_sever_delivers_everything_later(
    link: LinkUnderTest, pair: Pair, upstream: Upstream
) -> None:
    near, far = pair
    link.put_both(Stall(sever=False))
    near.sendall(b"late")
    near.shutdown(socket.SHUT_WR)
    assert silent(far)
    late = connect(link.address)
    late.sendall(b"later")
    assert link.stats().active == 2
    link.remove_both()
    assert receive(far, 100) == b"late"
    far.sendall(b"answer")
    assert receive(near, 6) == b"answer"
    assert receive(upstream.accept(), 5) == b"later"
    late.close()


@pytest.mark.parametrize("stream", list(Stream))
def test_new_connections_meet_a_stall_after_their_handshake(
    link: LinkUnderTest, upstream: Upstream, stream: Stream
) -> None:
    link.put(Stall(), stream=stream)
    with connect(link.address) as near:
        near.sendall(b"hello?")
        assert silent(near)
        assert upstream.nobody_came(0)
        link.remove()
        assert was_reset(near)
    assert upstream.nobody_came(0.05)
    with connect(link.address) as near:
        near.sendall(b"hello")
        assert receive(upstream.accept(), 5) == b"hello"


@pytest.mark.parametrize("stream", list(Stream))
def test_a_drop_leaves_handshakes_unanswered_until_it_is_lifted(
    link: LinkUnderTest, upstream: Upstream, stream: Stream
) -> None:
    link.put(Drop(), stream=stream)
    assert link.stats().listening == "saturate"
    for _ in range(2):
        with pytest.raises(TimeoutError):
            connect(link.address, timeout_s=0.2)
    assert upstream.nobody_came(0)
    link.remove()
    with connect(link.address) as near:
        near.sendall(b"hello")
        assert receive(upstream.accept(), 5) == b"hello"
    assert link.stats().listening == "open"


def test_a_client_that_keeps_trying_gets_in_when_a_drop_is_lifted(
    link: LinkUnderTest, upstream: Upstream
) -> None:
    link.put(Drop())
    with socket.socket() as patient:
        patient.setblocking(False)
        host, _, port = link.address.rpartition(":")
        patient.connect_ex((host, int(port)))
        link.remove()
        patient.settimeout(5)
        far = upstream.accept()
        far.sendall(b"welcome")
        assert receive(patient, 7) == b"welcome"


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


def test_what_overlaps_stays_dark_until_the_last_is_lifted(link: LinkUnderTest, pair: Pair) -> None:
    near, far = pair
    link.put_both(Drop(), name="outage")
    link.put_both(Stall(), name="partition")
    link.put(Reject(established=Established.STALL), name="firewall")
    near.sendall(b"never")
    link.remove_both("outage")
    assert link.stats().listening == "refuse"
    assert silent(near)
    assert silent(far)
    link.remove("firewall")
    assert silent(far)
    link.remove("partition-upstream")
    assert silent(far)
    link.remove("partition-downstream")
    assert was_reset(near)
    assert was_reset(far)


def test_a_severed_link_does_not_drain_while_another_direction_is_dark(
    link: LinkUnderTest, pair: Pair
) -> None:
    near, far = pair
    link.put_both(Stall())
    near.sendall(b"never")
    link.remove("dark-upstream")
    near.sendall(b"never")
    assert silent(far)
    assert silent(near)
    link.remove("dark-downstream")
    assert was_reset(far)


def test_reset_and_deletion_light_a_dark_link(
    embedded: Server, link: LinkUnderTest, pair: Pair, upstream: Upstream
) -> None:
    link.put_both(Drop())
    embedded.client.reset()
    assert was_reset(pair[0])
    with connect(link.address) as near:
        upstream.accept().sendall(b"hi")
        assert receive(near, 2) == b"hi"
        link.put_both(Drop())
        embedded.client.delete(link.name)
        assert not silent(near)


def test_one_batch_darkens_many_links_within_milliseconds(
    embedded: Server, echo: Upstream, link_name: Callable[[], str]
) -> None:
    names = [link_name() for _ in range(24)]
    client = embedded.client
    ends = [connect(client.create_link(name, "127.0.0.1:0", echo.address)) for name in names]
    for sock in ends:
        round_trip_s(sock)
    span = client.apply(
        [PutToxic(name, f"dark-{stream}", stream, Drop()) for name in names for stream in Stream]
    )
    assert 0 < span.last_ns - span.first_ns < 10**9  # 2 ms is usual; the bound is for a starved machine
    for sock in ends:
        sock.sendall(b"never")
    assert all(silent(sock, 0.01) for sock in ends)
    client.apply([RemoveToxic(name, f"dark-{stream}") for name in names for stream in Stream])
    for sock in ends:
        assert was_reset(sock)
        sock.close()
    for name in names:
        client.delete(name)


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


def test_a_reset_travels_with_the_latency_of_its_link(link: LinkUnderTest, pair: Pair) -> None:
    near, far = pair
    link.put(Latency(latency_ms=150), stream=Stream.DOWNSTREAM)
    die(far)
    assert silent(near, 0.1)
    assert was_reset(near)


def test_half_a_close_leaves_the_other_direction_open(pair: Pair) -> None:
    near, far = pair
    near.shutdown(socket.SHUT_WR)
    assert far.recv(1) == b""
    far.sendall(b"x" * 100_000)
    far.close()
    assert len(receive(near, 200_000)) == 100_000


def test_statistics_count_bytes_and_connections(link: LinkUnderTest, pair: Pair) -> None:
    near, _ = pair
    stats = link.stats()
    assert (stats.accepted, stats.active, stats.failed_dials, stats.listening) == (1, 1, 0, "open")
    assert (stats.upstream.bytes_in, stats.upstream.bytes_out) == (5, 5)
    assert stats.upstream.last_in_ns <= stats.upstream.last_out_ns <= stats.at_ns
    near.close()
    assert eventually(lambda: link.stats().downstream.bytes_out == 5)


def test_a_failed_dial_is_counted_and_reset(embedded: Server, link_name: Callable[[], str]) -> None:
    name = link_name()
    address = embedded.client.create_link(name, "127.0.0.1:0", "127.0.0.1:1")
    assert turned_away(address) is ConnectionResetError
    assert embedded.client.stats()[name].failed_dials == 1
    assert eventually(lambda: embedded.client.stats()[name].active == 0)
    embedded.client.delete(name)


def test_live_connections_survive_toxics_that_come_and_go_byte_for_byte(echo_link: LinkUnderTest) -> None:
    random = Random(3)
    sent = random.randbytes(400_000)
    menu = [
        Latency(latency_ms=3),
        Latency(latency_ms=2.5, jitter_ms=2),
        Bandwidth(rate_kb_per_s=4000),
        SlowClose(delay_ms=9),
        Stall(sever=False),
    ]
    with connect(echo_link.address) as sock:
        got: list[bytes] = []
        reader = threading.Thread(target=lambda: got.append(receive(sock, len(sent))))
        reader.start()
        rest = sent
        while rest:
            count = random.randrange(1, 20_000)
            sock.sendall(rest[:count])
            rest = rest[count:]
            name, stream = f"toxic-{random.randrange(4)}", random.choice(list(Stream))
            if random.random() < 0.5:
                echo_link.put(random.choice(menu), stream=stream, name=name)
            else:
                echo_link.remove(name)
        echo_link.remove(*(f"toxic-{number}" for number in range(4)))
        reader.join(timeout=20)
        assert got == [sent]


def test_a_slow_reader_stops_a_fast_sender_and_loses_nothing(link: LinkUnderTest, pair: Pair) -> None:
    near, far = pair
    link.put(Latency(latency_ms=0.5), name="baseline")
    data = Random(4).randbytes(2**20) * 64  # more than every buffer on the way
    sender = threading.Thread(target=near.sendall, args=(data,))
    sender.start()
    sender.join(timeout=0.2)
    assert sender.is_alive()
    assert link.stats().upstream.held_bytes < len(data)
    assert receive_all(far, len(data)) == data
    sender.join()


def receive_all(sock: socket.socket, count: int) -> bytes:
    data = bytearray(count)
    view = memoryview(data)
    while view:
        got = sock.recv_into(view)
        assert got
        view = view[got:]
    return bytes(data)


def test_a_client_into_an_undialled_link_is_stopped_by_full_buffers(link: LinkUnderTest) -> None:
    link.put(Stall(), stream=Stream.DOWNSTREAM)
    with connect(link.address, timeout_s=0.2) as near:
        with pytest.raises(TimeoutError):
            near.sendall(b"x" * 64 * 2**20)
        assert link.stats().upstream.bytes_in < 2**20


def test_no_reset_leaks_out_of_a_dark_link_that_is_severed_or_cut(link: LinkUnderTest, pair: Pair) -> None:
    near, far = pair
    link.put_both(Stall())
    link.apply(Sever)
    link.put(Reject(), name="firewall")
    assert silent(near)
    assert silent(far)
    link.remove_both()
    assert was_reset(near)
    assert was_reset(far)


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
