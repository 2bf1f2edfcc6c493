"""`stall` and `drop`: what goes dark stays dark, and what was stalled is severed, on real sockets."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest
from wan_support import (
    LinkUnderTest,
    Pair,
    Server,
    Upstream,
    connect,
    die,
    eventually,
    receive,
    round_trip_s,
    silent,
    was_reset,
)

from harness.wan.changes import PutToxic, RemoveToxic, Sever
from harness.wan.toxics import (
    Drop,
    Established,
    Gate,
    Latency,
    Reject,
    Stall,
    Stream,
)

pytestmark = pytest.mark.processes

DARK = [pytest.param(Stall(), id="stall"), pytest.param(Drop(), id="drop")]


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
