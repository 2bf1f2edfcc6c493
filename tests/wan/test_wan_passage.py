"""What passes a link that is lit: bytes, closes and resets in order, and what is counted, on real sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from random import Random

import pytest
from wan_support import (
    LinkUnderTest,
    Pair,
    Server,
    connect,
    die,
    eventually,
    receive,
    silent,
    turned_away,
    was_reset,
)

from harness.wan.toxics import (
    Bandwidth,
    Latency,
    SlowClose,
    Stall,
    Stream,
)

pytestmark = pytest.mark.processes


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
