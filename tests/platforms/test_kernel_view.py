"""The kernel's view of sockets, and handshakes of our own, on sockets of this process."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator

import pytest

from harness.faults.contract import Capability, NewConnections
from harness.platforms.abilities import abilities
from harness.platforms.handshakes import Met, handshake_facts, try_handshakes
from harness.platforms.sockets import ESTABLISHED, LISTEN, NoSockDiag, SockDiag, by_ports
from harness.stack.adapter import Address

pytestmark = pytest.mark.processes
linux = pytest.mark.skipif(sys.platform != "linux", reason="sock_diag is Linux's")


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def where(server: socket.socket) -> Address:
    return Address(*server.getsockname())


@linux
def test_tells_what_each_end_has_sent_and_received(listening: socket.socket) -> None:
    with (
        socket.create_connection(where(listening)) as client,
        listening.accept()[0] as server,
        SockDiag() as diag,
    ):
        client.sendall(b"x" * 1000)
        assert len(server.recv(2000)) == 1000
        table = diag.table()
        ports = (client.getsockname()[1], where(listening).port)
        near, far = by_ports(table)[ports], by_ports(table)[ports[::-1]]
        assert (near.bytes_sent, far.bytes_received, far.state) == (1000, 1000, ESTABLISHED)
        assert far.segments_in >= 1
        assert any(one.local_port == ports[1] and one.state == LISTEN for one in table)
        server.sendall(b"yy")
        client.recv(2)
        asked = diag.ask([near, far])
        assert [one.bytes_received for one in asked if one is not None] == [2, 1000]


@linux
def test_a_socket_that_is_gone_is_none(listening: socket.socket) -> None:
    client = socket.create_connection(where(listening))
    server = listening.accept()[0]
    with SockDiag() as diag:
        found = by_ports(diag.table())[server.getsockname()[1], server.getpeername()[1]]
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
        server.close()
        assert diag.ask([found]) == [None]


def test_elsewhere_it_says_that_it_can_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(NoSockDiag):
        SockDiag()


def test_handshakes_meet_an_answer_or_a_refusal(listening: socket.socket) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = where(closed)
    met = try_handshakes({"open": where(listening), "closed": nobody}, unanswered_after_s=1)
    assert met == {"open": Met.ANSWER, "closed": Met.REFUSAL}
    (refused,) = handshake_facts({"closed": nobody}, NewConnections.REJECT)
    assert refused.convincing


def test_a_handshake_that_is_answered_does_not_convince_of_a_drop(listening: socket.socket) -> None:
    (fact,) = handshake_facts({"a--b": where(listening)}, NewConnections.DROP)
    assert not fact.convincing
    assert "answered" in fact.fact


OF_HOSTS_AND_PACKETS = {
    Capability.LOSE_PACKETS,
    Capability.POWER,
    Capability.SLOW_DISK,
    Capability.FULL_DISK,
    Capability.LYING_DISK,
    Capability.WIPED_DISK,
    Capability.DRIFT_CLOCK,
}


@linux
def test_linux_can_do_everything_that_needs_no_host_of_its_own() -> None:
    assert abilities() == frozenset(Capability) - OF_HOSTS_AND_PACKETS
