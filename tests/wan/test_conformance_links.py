"""What a link does to connections, and the client to links: every test runs against both proxies."""

from __future__ import annotations

import threading
from collections.abc import Callable
from random import Random

import pytest
from wan_support import (
    LinkUnderTest,
    Server,
    Upstream,
    connect,
    die,
    receive,
    round_trip_s,
    turned_away,
)

from harness.wan.changes import Disable, Enable, Sever
from harness.wan.toxics import Latency, Timeout

pytestmark = pytest.mark.processes


def test_bytes_pass_in_both_directions(each_echo_link: LinkUnderTest) -> None:
    with connect(each_echo_link.address) as sock:
        data = Random(1).randbytes(3_000_000)
        sender = threading.Thread(target=sock.sendall, args=(data,))
        sender.start()
        assert receive(sock, len(data)) == data
        sender.join()


def test_bytes_sent_before_the_upstream_answers_arrive(each_link: LinkUnderTest, upstream: Upstream) -> None:
    with connect(each_link.address) as sock:
        sock.sendall(b"early")
        assert receive(upstream.accept(), 5) == b"early"


def test_a_close_of_the_client_reaches_the_server_behind_its_bytes(
    each_link: LinkUnderTest, upstream: Upstream
) -> None:
    with connect(each_link.address) as sock:
        sock.sendall(b"last words")
    assert receive(upstream.accept(), 100) == b"last words"


def test_a_close_of_the_server_reaches_the_client_behind_its_bytes(
    each_link: LinkUnderTest, upstream: Upstream
) -> None:
    with connect(each_link.address) as sock:
        far = upstream.accept()
        far.sendall(b"goodbye")
        far.close()
        assert receive(sock, 100) == b"goodbye"


def test_a_client_of_a_dead_upstream_is_turned_away(server: Server, link_name: Callable[[], str]) -> None:
    address = server.client.create_link(link_name(), "127.0.0.1:0", "127.0.0.1:1")
    assert turned_away(address) in (ConnectionResetError, None)


def test_a_disabled_link_closes_and_refuses_until_it_is_enabled(each_echo_link: LinkUnderTest) -> None:
    with connect(each_echo_link.address) as sock:
        round_trip_s(sock)
        each_echo_link.apply(Disable, Disable)
        with pytest.raises((ConnectionError, AssertionError)):
            round_trip_s(sock)
    with pytest.raises(ConnectionRefusedError):
        connect(each_echo_link.address)
    each_echo_link.apply(Enable, Enable)
    with connect(each_echo_link.address) as sock:
        round_trip_s(sock)


def test_severing_ends_what_is_and_lets_new_connections_in(each_echo_link: LinkUnderTest) -> None:
    with connect(each_echo_link.address) as sock:
        round_trip_s(sock)
        each_echo_link.apply(Sever)
        with pytest.raises((ConnectionError, AssertionError)):
            round_trip_s(sock)
    with connect(each_echo_link.address) as sock:
        round_trip_s(sock)


def test_changes_are_idempotent(each_echo_link: LinkUnderTest) -> None:
    with connect(each_echo_link.address) as sock:
        for _ in range(2):
            each_echo_link.put(Latency(latency_ms=30))
        assert round_trip_s(sock) >= 0.030
        each_echo_link.put(Latency(latency_ms=1))
        round_trip_s(sock)
        for _ in range(2):
            each_echo_link.remove()
        round_trip_s(sock)


def test_reset_heals_and_keeps_the_baseline(each_echo_link: LinkUnderTest) -> None:
    each_echo_link.client.baseline(each_echo_link.name, 10, 0)
    each_echo_link.put(Timeout())
    each_echo_link.apply(Disable)
    each_echo_link.client.reset()
    view = each_echo_link.client.links()[each_echo_link.name]
    assert [toxic.name for toxic in view.toxics] == ["baseline_upstream", "baseline_downstream"]
    with connect(each_echo_link.address) as sock:
        assert round_trip_s(sock) >= 0.010


def test_a_reset_of_one_side_ends_the_other(each_link: LinkUnderTest, upstream: Upstream) -> None:
    with connect(each_link.address) as sock:
        far = upstream.accept()
        die(far)
        with pytest.raises((ConnectionError, AssertionError)):
            assert sock.recv(1) != b""


def test_many_connections_at_once(each_echo_link: LinkUnderTest) -> None:
    each_echo_link.client.baseline(each_echo_link.name, 2, 0)
    socks = [connect(each_echo_link.address) for _ in range(200)]
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
