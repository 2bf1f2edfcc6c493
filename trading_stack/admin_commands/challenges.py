"""Challenges: what makes a command fresh without a clock that anybody else must share. Pure; the clock is passed in."""

from __future__ import annotations

import hashlib
import hmac
import struct
from typing import Final

LIFETIME_NS: Final = 30_000_000_000  # a person signs at once; what waits for longer was held back by somebody
NONCE_BYTES: Final = 16
MAC_BYTES: Final = 16
_BODY: Final = struct.Struct(f">QQ{NONCE_BYTES}s")


class Challenges:
    """Issued by one service in one life, which `key` stands for. Nothing is kept of those that nobody has used."""

    def __init__(self, key: bytes, *, lifetime_ns: int = LIFETIME_NS) -> None:
        self._key = key
        self._lifetime_ns = lifetime_ns
        self._used: dict[str, int] = {}

    def issue(self, *, epoch: int, nonce: bytes, now_ns: int) -> str:
        """A challenge for one command in this epoch."""
        body = _BODY.pack(now_ns, epoch, nonce)
        return (body + self._mac(body)).hex()

    def objection(self, challenge: str, *, epoch: int, now_ns: int) -> str | None:
        """Why a command with this challenge is not to be acted on, or None."""
        body = self._body(challenge)
        if body is None:
            return "its challenge is none that this service issued since it was started"
        issued_ns, issued_epoch, _ = _BODY.unpack(body)
        if now_ns - issued_ns > self._lifetime_ns:
            return f"its challenge is older than {self._lifetime_ns // 1_000_000_000} s"
        if issued_epoch != epoch:
            return f"its challenge is of epoch {issued_epoch}, and this is epoch {epoch}"
        return "its challenge was used before" if challenge in self._used else None

    def use(self, challenge: str, *, now_ns: int) -> None:
        """Never take this challenge again."""
        self._used = {
            each: at_ns for each, at_ns in self._used.items() if now_ns - at_ns <= self._lifetime_ns
        }
        self._used[challenge] = now_ns

    def _body(self, challenge: str) -> bytes | None:
        try:
            data = bytes.fromhex(challenge)
        except ValueError:
            return None
        body, mac = data[: _BODY.size], data[_BODY.size :]
        genuine = len(body) == _BODY.size and hmac.compare_digest(mac, self._mac(body))
        # Another spelling of the same bytes must not count as another challenge.
        return body if genuine and challenge == data.hex() else None

    def _mac(self, body: bytes) -> bytes:
        return hashlib.blake2b(body, key=self._key, digest_size=MAC_BYTES, person=b"challenge").digest()
