"""The kernel's own view of TCP sockets: how many bytes each has received, and when the last came (Linux, sock_diag(7)).

A fault is proved by what the victim's sockets saw, and the kernel tells that about any process without touching it.
Asking costs some microseconds a socket.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

ESTABLISHED: Final = 1
LISTEN: Final = 10
_TIME_WAIT: Final = 6
_ALL_BUT_TIME_WAIT: Final = 0xFFF & ~(1 << _TIME_WAIT)

_NETLINK_SOCK_DIAG: Final = 4
_SOCK_DIAG_BY_FAMILY: Final = 20
_NLM_F_REQUEST: Final = 1
_NLM_F_DUMP: Final = 0x300
_NLMSG_ERROR: Final = 2
_NLMSG_DONE: Final = 3
_INFO: Final = 2  # INET_DIAG_INFO
_RECEIVE_BYTES: Final = 1 << 18

# linux/netlink.h, linux/inet_diag.h and linux/tcp.h; the ports and addresses of a socket stand in network order.
_HEADER: Final = struct.Struct("=IHHII")
_REQUEST: Final = struct.Struct("=BBBBI")
_SOCKET_ID: Final = struct.Struct(">HH16s16s")
_MESSAGE: Final = struct.Struct("=BBBB48sIIIII")
_ATTRIBUTE: Final = struct.Struct("=HH")
_TIMES: Final = struct.Struct("=II")  # tcpi_last_data_sent is at 44, tcpi_last_data_recv at 52
_BYTES: Final = struct.Struct("=QQ")  # tcpi_bytes_acked at 120, tcpi_bytes_received at 128
_SENT: Final = struct.Struct("=QQ")  # tcpi_bytes_sent at 200, tcpi_bytes_retrans at 208
_SEGMENTS: Final = struct.Struct("=II")  # tcpi_data_segs_in at 152, tcpi_data_segs_out at 156


class NoSockDiag(OSError):
    """This system does not tell about other processes' sockets."""


@dataclass(frozen=True, slots=True)
class Tcp:
    """One TCP socket. Byte counts run since it was connected; `received_ago_ms` is since the last data came."""

    state: int
    family: int
    local_port: int
    remote_port: int
    identity: bytes
    inode: int
    bytes_sent: int = 0
    bytes_received: int = 0
    segments_in: int = 0
    received_ago_ms: int = 0

    @property
    def ports(self) -> tuple[int, int]:
        """Its own port and the other side's."""
        return self.local_port, self.remote_port


class SockDiag:
    """A netlink socket to ask through; for one thread."""

    def __init__(self) -> None:
        """Open it.

        Raises:
            NoSockDiag: There is no such thing here.
        """
        if sys.platform != "linux":
            raise NoSockDiag("only Linux tells about other processes' sockets")
        try:
            self._sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG)
        except OSError as error:
            raise NoSockDiag(error.errno, f"sock_diag: {error.strerror}") from error

    def __enter__(self) -> SockDiag:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close it."""
        self._sock.close()

    def table(self) -> list[Tcp]:
        """Every TCP socket of this machine, those in TIME_WAIT left out.

        Raises:
            NoSockDiag: The kernel can't tell.
        """
        return [found for family in (socket.AF_INET, socket.AF_INET6) for found in self._dump(family)]

    def ask(self, sockets: Iterable[Tcp]) -> list[Tcp | None]:
        """The same sockets as they are now, in their order; None for one that is gone. Far cheaper than the table."""
        found: list[Tcp | None] = []
        for known in sockets:
            self._sock.send(_request(known.family, _NLM_F_REQUEST, known.identity))
            kind, body = next(_messages(self._sock.recv(_RECEIVE_BYTES)))
            found.append(_socket(body) if kind == _SOCK_DIAG_BY_FAMILY else None)
        return found

    def _dump(self, family: int) -> Iterator[Tcp]:
        self._sock.send(_request(family, _NLM_F_REQUEST | _NLM_F_DUMP, bytes(48)))
        while True:
            for kind, body in _messages(self._sock.recv(_RECEIVE_BYTES)):
                if kind == _NLMSG_DONE:
                    return
                if kind == _NLMSG_ERROR:
                    number = -struct.unpack_from("=i", body)[0]
                    raise NoSockDiag(number, f"sock_diag: {os.strerror(number)}")
                yield _socket(body)


def by_ports(table: Iterable[Tcp]) -> dict[tuple[int, int], Tcp]:
    """The connected sockets by their own port and the other side's."""
    return {found.ports: found for found in table if found.state not in {LISTEN, 0}}


def _request(family: int, flags: int, identity: bytes) -> bytes:
    body = _REQUEST.pack(family, socket.IPPROTO_TCP, 1 << (_INFO - 1), 0, _ALL_BUT_TIME_WAIT) + identity
    return _HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, flags, 1, 0) + body


def _messages(data: bytes) -> Iterator[tuple[int, memoryview]]:
    view, offset = memoryview(data), 0
    while offset + _HEADER.size <= len(view):
        length, kind, _, _, _ = _HEADER.unpack_from(view, offset)
        if length < _HEADER.size:
            return
        yield kind, view[offset + _HEADER.size : offset + length]
        offset += (length + 3) & ~3


def _socket(body: memoryview) -> Tcp:
    family, state, _, _, identity, _, _, _, _, inode = _MESSAGE.unpack_from(body)
    local_port, remote_port, _, _ = _SOCKET_ID.unpack_from(identity)
    info = _attribute(body, _INFO)
    if info is None or len(info) < 160:
        return Tcp(state, family, local_port, remote_port, identity, inode)
    sent, again = _SENT.unpack_from(info, 200) if len(info) >= 216 else _BYTES.unpack_from(info, 120)
    return Tcp(
        state,
        family,
        local_port,
        remote_port,
        identity,
        inode,
        bytes_sent=sent - again if len(info) >= 216 else sent,
        bytes_received=_BYTES.unpack_from(info, 120)[1],
        segments_in=_SEGMENTS.unpack_from(info, 152)[0],
        received_ago_ms=_TIMES.unpack_from(info, 52)[0],
    )


def _attribute(body: memoryview, wanted: int) -> memoryview | None:
    offset = _MESSAGE.size
    while offset + _ATTRIBUTE.size <= len(body):
        length, kind = _ATTRIBUTE.unpack_from(body, offset)
        if length < _ATTRIBUTE.size:
            return None
        if kind == wanted:
            return body[offset + _ATTRIBUTE.size : offset + length]
        offset += (length + 3) & ~3
    return None
