"""A listening port that can also refuse, or leave handshakes unanswered, without ever losing its port."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable
from typing import Final

from harness.wan.toxics.gate import Listening

_BACKLOG: Final = 1024
_ACCEPTS_AT_ONCE: Final = 64
_MOST_FILLERS: Final = 8
_RETRY_S: Final = 0.05


class CannotSaturate(OSError):
    """The system answers handshakes although the accept queue should be full."""


class Listener:
    """One TCP port, in one of the states of `Listening`, or closed.

    A second socket, bound and never listening, keeps the port while nobody listens on it.

    *Saturate* sets the backlog to 0 and fills the accept queue with connections of our own, which nobody accepts:
    the kernel then leaves further handshakes unanswered (listen(2); Linux drops the SYN in `tcp_conn_request`).
    A connect that stays pending proves it. Clients that keep trying get in soon after the queue is emptied.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, on_accept: Callable[[socket.socket], None]) -> None:
        self._loop = loop
        self._on_accept = on_accept
        self._holder: socket.socket | None = None
        self._sock: socket.socket | None = None
        self._fillers: list[socket.socket] = []
        self._retry: asyncio.TimerHandle | None = None

    @property
    def state(self) -> Listening | None:
        """What a new connection meets now; None while the port is not held."""
        if self._holder is None:
            return None
        if self._sock is None:
            return Listening.REFUSE
        return Listening.SATURATE if self._fillers else Listening.OPEN

    def open(self, host: str, port: int) -> tuple[str, int]:
        """Hold the port (any, for 0) unless it is held already, and listen; returns the address.

        Raises:
            OSError: The port is taken, or the host is not one of ours.
        """
        held = self._holder is not None
        self._holder = self._holder or _bound(host, port)
        name = self._holder.getsockname()
        try:
            self.become(Listening.OPEN)
        except OSError:
            if not held:
                self.close()
            raise
        return name[0], name[1]

    def close(self) -> None:
        """Give the port back."""
        self._stop_listening()
        if self._holder is not None:
            self._holder.close()
            self._holder = None

    def drain(self) -> None:
        """Accept what has completed its handshake already."""
        if self._sock is not None and not self._fillers:
            self._accept_all()

    def become(self, wanted: Listening) -> None:
        """Move to a state; nothing happens if it is in force, or if the port is not held.

        Raises:
            CannotSaturate: Handshakes are still answered; the port listens as before.
        """
        if self._holder is None or self.state is wanted:
            return
        if wanted is Listening.REFUSE:
            self._stop_listening()
            return
        if self._sock is None:
            self._listen()
        if wanted is Listening.SATURATE:
            self._saturate()
        else:
            self._relieve()

    def _listen(self) -> None:
        assert self._holder is not None
        sock = _bound(*self._holder.getsockname()[:2], family=self._holder.family)
        sock.listen(_BACKLOG)
        self._sock = sock
        self._loop.add_reader(sock.fileno(), self._accept_some)

    def _stop_listening(self) -> None:
        if self._sock is None:
            return
        if self._fillers:
            self._relieve()
        self._cancel_retry()
        self._loop.remove_reader(self._sock.fileno())
        self._accept_all()
        self._sock.close()
        self._sock = None

    def _saturate(self) -> None:
        assert self._sock is not None
        self._cancel_retry()
        self._loop.remove_reader(self._sock.fileno())
        self._accept_all()
        self._sock.listen(0)
        address = _reachable(self._sock)
        for _ in range(_MOST_FILLERS):
            filler = socket.socket(self._sock.family, socket.SOCK_STREAM)
            filler.settimeout(0)
            filler.connect_ex(address)
            self._fillers.append(filler)
            if not _established(filler):
                return  # unanswered: the queue is full
        self._relieve()
        raise CannotSaturate(
            f"handshakes at {address[0]}:{address[1]} are answered although the queue is full"
        )

    def _relieve(self) -> None:
        assert self._sock is not None
        fillers, self._fillers = self._fillers, []
        own = {filler.getsockname()[:2] for filler in fillers}
        for filler in fillers:
            filler.close()
        self._accept_all(own)
        self._sock.listen(_BACKLOG)
        self._loop.add_reader(self._sock.fileno(), self._accept_some)

    def _accept_all(self, own: set[tuple[str, int]] | None = None) -> None:
        while self._accept_one(own or set()):
            pass

    def _accept_some(self) -> None:
        for _ in range(_ACCEPTS_AT_ONCE):
            if not self._accept_one(set()):
                return

    def _accept_one(self, own: set[tuple[str, int]]) -> bool:
        assert self._sock is not None
        try:
            sock, peer = self._sock.accept()
        except (BlockingIOError, InterruptedError):
            return False
        except ConnectionError:
            return True  # it left before it was accepted
        except OSError:
            self._try_again_later()
            return False
        if peer[:2] in own:
            sock.close()
        else:
            sock.settimeout(0)
            self._on_accept(sock)
        return True

    def _try_again_later(self) -> None:
        # Out of descriptors: the queue stays readable, so wait instead of spinning.
        assert self._sock is not None
        if self._retry is None and not self._fillers:
            self._loop.remove_reader(self._sock.fileno())
            self._retry = self._loop.call_later(_RETRY_S, self._resume)

    def _resume(self) -> None:
        self._retry = None
        if self._sock is not None and not self._fillers:
            self._loop.add_reader(self._sock.fileno(), self._accept_some)

    def _cancel_retry(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None


def split_address(text: str) -> tuple[str, int]:
    """Host and port of `host:port`; an empty host means every address of this machine.

    Raises:
        OSError: The text is no address.
    """
    host, separator, port = text.rpartition(":")
    if not text:
        return "", 0
    if not separator:
        raise OSError(f"address {text}: missing port in address")
    if not port.isdecimal() or int(port) > 65535:
        raise OSError(f"address {port}: invalid port")
    return host.removeprefix("[").removesuffix("]"), int(port)


def same_address(one: str, other: str) -> bool:
    """Whether two addresses are one, by whatever name.

    Raises:
        OSError: One of them is no address.
    """
    return one == other or _resolved(*split_address(one)) == _resolved(*split_address(other))


def join_address(host: str, port: int) -> str:
    """`host:port`, with brackets round an IPv6 host."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _bound(host: str, port: int, *, family: int | None = None) -> socket.socket:
    kind, address = (family, (host, port)) if family is not None else _resolved(host, port)
    sock = socket.socket(kind, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sys.platform != "linux":  # elsewhere the holder and the listener share a port only like this
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if kind == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host not in ("", "::")))
        sock.settimeout(0)
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    return sock


def _resolved(host: str, port: int) -> tuple[int, tuple[str, int]]:
    if not host:
        return (
            (socket.AF_INET6, ("::", port))
            if socket.has_dualstack_ipv6()
            else (socket.AF_INET, ("0.0.0.0", port))  # noqa: S104 - asked for by an empty host
        )
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    first = next((entry for entry in found if entry[0] == socket.AF_INET), found[0])
    return first[0], (str(first[4][0]), port)


def _reachable(sock: socket.socket) -> tuple[str, int]:
    host, port = sock.getsockname()[:2]
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port  # noqa: S104 - compared, not bound


def _established(sock: socket.socket) -> bool:
    try:
        sock.getpeername()
    except OSError:
        return False
    return True
