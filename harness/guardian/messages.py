"""What an owner and its guardian say to each other: one JSON object a line, over a socket pair."""

from __future__ import annotations

import socket
from typing import Final, TypeAlias

import msgspec

from harness.guardian.lease import Lease
from harness.guardian.mending import HealReport

_RECEIVE_BYTES: Final = 256 * 2**10


class Hold(msgspec.Struct, frozen=True, tag="hold", tag_field="say"):
    """Owner: keep this lease, or this newer revision of it. Answered by `Held`."""

    lease: Lease


class Let(msgspec.Struct, frozen=True, tag="let", tag_field="say"):
    """Owner: I have healed it myself. Not answered."""

    lease: str


class Held(msgspec.Struct, frozen=True, tag="held", tag_field="say"):
    """Guardian: I have this revision, and will heal it if you can't."""

    lease: str
    revision: int


class Reported(msgspec.Struct, frozen=True, tag="reported", tag_field="say"):
    """Guardian: I have healed this because its limit had passed."""

    report: HealReport


FromOwner: TypeAlias = Hold | Let
FromGuardian: TypeAlias = Held | Reported

_encode: Final = msgspec.json.Encoder().encode
decode_owner: Final = msgspec.json.Decoder(FromOwner).decode
decode_guardian: Final = msgspec.json.Decoder(FromGuardian).decode


def send(sock: socket.socket, message: FromOwner | FromGuardian) -> None:
    """Send one message whole.

    Raises:
        OSError: The other side is gone.
    """
    sock.sendall(_encode(message) + b"\n")


class Lines:
    """Cuts what comes over a socket into lines."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._rest = b""

    def receive(self) -> list[bytes] | None:
        """The lines that came; None when the other side is gone. Blocks until something comes, or the socket's time-out."""
        try:
            data = self._sock.recv(_RECEIVE_BYTES)
        except (BlockingIOError, TimeoutError, InterruptedError):
            return []
        except OSError:
            return None
        if not data:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        return lines
