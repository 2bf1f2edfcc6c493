"""What toxics do to bytes: every test here runs against the embedded proxy and against Toxiproxy."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from random import Random

import pytest
from wan_support import (
    LinkUnderTest,
    Server,
    Upstream,
    connect,
    die,
    open_link,
    receive,
    round_trip_s,
    silent,
    turned_away,
    was_reset,
)

from harness.wan.changes import Disable, Enable, Sever
from harness.wan.toxics import Bandwidth, Latency, ResetPeer, SlowClose, Stream, Timeout

pytestmark = pytest.mark.processes


@pytest.fixture
def link(server: Server, upstream: Upstream, link_name: Callable[[], str]) -> Iterator[LinkUnderTest]:
    yield from open_link(server, upstream, link_name())


@pytest.fixture
def echo_link(server: Server, echo: Upstream, link_name: Callable[[], str]) -> Iterator[LinkUnderTest]:
    yield from open_link(server, echo, link_name())


def test_bytes_pass_in_both_directions(echo_link: LinkUnderTest) -> None:
    with connect(echo_link.address) as sock:
        data = Random(1).randbytes(3_000_000)
        sender = threading.Thread(target=sock.sendall, args=(data,))
        sender.start()
        assert receive(sock, len(data)) == data
        sender.join()


def test_bytes_sent_before_the_upstream_answers_arrive(link: LinkUnderTest, upstream: Upstream) -> None:
    with connect(link.address) as sock:
        sock.sendall(b"early")
        assert receive(upstream.accept(), 5) == b"early"


def test_a_close_of_the_client_reaches_the_server_behind_its_bytes(
    link: LinkUnderTest, upstream: Upstream
) -> None:
    with connect(link.address) as sock:
        sock.sendall(b"last words")
    assert receive(upstream.accept(), 100) == b"last words"


def test_a_close_of_the_server_reaches_the_client_behind_its_bytes(
    link: LinkUnderTest, upstream: Upstream
) -> None:
    with connect(link.address) as sock:
        far = upstream.accept()
        far.sendall(b"goodbye")
        far.close()
        assert receive(sock, 100) == b"goodbye"


def test_a_client_of_a_dead_upstream_is_turned_away(server: Server, link_name: Callable[[], str]) -> None:
    address = server.client.create_link(link_name(), "127.0.0.1:0", "127.0.0.1:1")
    assert turned_away(address) in (ConnectionResetError, None)


@pytest.mark.parametrize("stream", list(Stream))
def test_latency_delays_one_direction_of_a_live_connection(echo_link: LinkUnderTest, stream: Stream) -> None:
    with connect(echo_link.address) as sock:
        plain = min(round_trip_s(sock) for _ in range(20))
        echo_link.put(Latency(latency_ms=40), stream=stream)
        slow = [round_trip_s(sock) for _ in range(5)]
        assert all(took >= 0.040 for took in slow)
        assert min(slow) < 0.040 + plain + 0.060
        echo_link.remove()
        assert min(round_trip_s(sock) for _ in range(20)) < 0.020


def test_latencies_add_up_on_new_connections(echo_link: LinkUnderTest) -> None:
    echo_link.put(Latency(latency_ms=20), name="a")
    echo_link.put(Latency(latency_ms=20), name="b")
    echo_link.put(Latency(latency_ms=10), name="c", stream=Stream.DOWNSTREAM)
    with connect(echo_link.address) as sock:
        assert 0.050 <= min(round_trip_s(sock) for _ in range(5)) < 0.150


def test_jitter_keeps_bytes_in_order(echo_link: LinkUnderTest) -> None:
    echo_link.put(Latency(latency_ms=5, jitter_ms=5))
    with connect(echo_link.address) as sock:
        data = Random(2).randbytes(4000)
        for start in range(0, len(data), 100):
            sock.sendall(data[start : start + 100])
        assert receive(sock, len(data)) == data


def test_bandwidth_limits_the_rate(echo_link: LinkUnderTest) -> None:
    echo_link.put(Bandwidth(rate_kb_per_s=1000))
    with connect(echo_link.address) as sock:
        took = round_trip_s(sock, b"x" * 200_000)
        assert 0.15 <= took < 2


def test_slow_close_delays_the_close_alone(link: LinkUnderTest, upstream: Upstream) -> None:
    link.put(SlowClose(delay_ms=200))
    with connect(link.address) as sock:
        far = upstream.accept()
        sock.sendall(b"x")
        assert receive(far, 1) == b"x"
        closed = time.perf_counter()
        sock.close()
        assert far.recv(1) == b""
        assert time.perf_counter() - closed >= 0.19


def test_timeout_loses_bytes_and_closes(link: LinkUnderTest, upstream: Upstream) -> None:
    link.put(Timeout(timeout_ms=100))
    begun = time.perf_counter()
    with connect(link.address) as sock:
        sock.sendall(b"lost")
        assert upstream.accept().recv(1) == b""
        assert time.perf_counter() - begun >= 0.099
        assert sock.recv(1) == b""


def test_removing_an_endless_timeout_closes(link: LinkUnderTest, upstream: Upstream) -> None:
    with connect(link.address) as sock:
        far = upstream.accept()
        link.put(Timeout())
        sock.sendall(b"lost")
        assert silent(far)
        link.remove()
        assert far.recv(1) == b""


@pytest.mark.parametrize("timeout_ms", [0, 100])
def test_reset_peer_resets_both_sides_when_something_is_sent(
    link: LinkUnderTest, upstream: Upstream, timeout_ms: int
) -> None:
    link.put(ResetPeer(timeout_ms=timeout_ms))
    with connect(link.address) as sock:
        far = upstream.accept()
        assert silent(sock, 0.05)
        begun = time.perf_counter()
        sock.sendall(b"lost")
        assert was_reset(sock)
        assert time.perf_counter() - begun >= timeout_ms / 1000
        assert was_reset(far)


def test_a_toxicity_of_zero_affects_nobody(echo_link: LinkUnderTest) -> None:
    echo_link.put(Timeout(), toxicity=0)
    with connect(echo_link.address) as sock:
        assert round_trip_s(sock) < 1


def test_a_disabled_link_closes_and_refuses_until_it_is_enabled(echo_link: LinkUnderTest) -> None:
    with connect(echo_link.address) as sock:
        round_trip_s(sock)
        echo_link.apply(Disable, Disable)
        with pytest.raises((ConnectionError, AssertionError)):
            round_trip_s(sock)
    with pytest.raises(ConnectionRefusedError):
        connect(echo_link.address)
    echo_link.apply(Enable, Enable)
    with connect(echo_link.address) as sock:
        round_trip_s(sock)


def test_severing_ends_what_is_and_lets_new_connections_in(echo_link: LinkUnderTest) -> None:
    with connect(echo_link.address) as sock:
        round_trip_s(sock)
        echo_link.apply(Sever)
        with pytest.raises((ConnectionError, AssertionError)):
            round_trip_s(sock)
    with connect(echo_link.address) as sock:
        round_trip_s(sock)


def test_changes_are_idempotent(echo_link: LinkUnderTest) -> None:
    with connect(echo_link.address) as sock:
        for _ in range(2):
            echo_link.put(Latency(latency_ms=30))
        assert round_trip_s(sock) >= 0.030
        echo_link.put(Latency(latency_ms=1))
        assert min(round_trip_s(sock) for _ in range(5)) < 0.030
        for _ in range(2):
            echo_link.remove()
        round_trip_s(sock)


def test_reset_heals_and_keeps_the_baseline(echo_link: LinkUnderTest) -> None:
    echo_link.client.baseline(echo_link.name, 10, 0)
    echo_link.put(Timeout())
    echo_link.apply(Disable)
    echo_link.client.reset()
    view = echo_link.client.links()[echo_link.name]
    assert [toxic.name for toxic in view.toxics] == ["baseline_upstream", "baseline_downstream"]
    with connect(echo_link.address) as sock:
        assert round_trip_s(sock) >= 0.010


def test_a_reset_of_one_side_ends_the_other(link: LinkUnderTest, upstream: Upstream) -> None:
    with connect(link.address) as sock:
        far = upstream.accept()
        die(far)
        with pytest.raises((ConnectionError, AssertionError)):
            assert sock.recv(1) != b""


def test_many_connections_at_once(echo_link: LinkUnderTest) -> None:
    echo_link.client.baseline(echo_link.name, 2, 0)
    socks = [connect(echo_link.address) for _ in range(200)]
    for number, sock in enumerate(socks):
        sock.sendall(b"%06d" % number)
    for number, sock in enumerate(socks):
        assert receive(sock, 6) == b"%06d" % number
        sock.close()


def test_a_listing_shows_every_link(server: Server, link_name: Callable[[], str]) -> None:
    names = [link_name() for _ in range(3)]
    for name in names:
        server.client.create_link(name, "127.0.0.1:0", "127.0.0.1:9")
    assert set(names) <= set(server.client.links())
    for name in names:
        server.client.delete(name)
        server.client.delete(name)
    assert not set(names) & set(server.client.links())
