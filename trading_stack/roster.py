"""The roster: which public key each sentinel has, pinned on disk by each engine and each sentinel for itself.

How a key becomes known. A sentinel opens every connection that it dials with an `Introduction`: its public key, and
its signature over this very connection. The connection is authenticated by the cluster secret, so at a service's first
start whoever holds the secret is believed: the first key under a name is pinned, durably, before it counts for
anything. From then on the name belongs to that key. Whoever comes with another one, or can't sign for the connection,
is refused and told (`key_refused`, counter `introductions_refused`), the cluster secret notwithstanding. A pinned key
is replaced by an administrator's signed command alone (`replace-key`).

What this is worth. Once the roster is pinned, to hold the cluster secret and the key of one sentinel is to be that
sentinel and no other: one signature, and a certificate needs a majority. Nobody passes a roster on, so that a liar can
poison nobody's but at that service's own first start. A service that loses its disk trusts its first contacts again;
it has lost its vote with it, and one poisoned engine elects nobody, since each engine checks certificates by its own
roster. What remains is a cluster whose secret is out before its first start.

Why not other ways: keys in the compose file would have to be made before the first start, by somebody who holds them
all; an authority that certifies keys would be one key more, above all others, and certificates that expire need clocks
that agree.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto
from pathlib import Path
from typing import Final

import msgspec

from trading_stack.durable import write_file
from trading_stack.keys import parse_public, verified
from trading_stack.settings import SettingsError

FILE: Final = "roster.json"
_decode = msgspec.json.Decoder(dict[str, str]).decode


class Standing(Enum):
    """What became of an introduction."""

    KNOWN = auto()
    PINNED = auto()
    REFUSED = auto()


def introduction_bytes(name: str, connection: bytes) -> bytes:
    """What a sentinel signs to show that it is there, on the connection with this `binding`, with its private key."""
    return b"introduction:" + msgspec.msgpack.encode((name, connection))


class Roster:
    """Public keys by sentinel. Raises `SettingsError` on a file that can't be understood: an empty roster trusts."""

    def __init__(self, directory: Path, names: Iterable[str]) -> None:
        self._path = directory / FILE
        self._names = frozenset(names)
        self._keys = _read(self._path)

    def introduce(self, name: str, public: bytes, *, proof: bytes, connection: bytes) -> Standing:
        """Judge who says to be `name`; a first contact's key is durable when this returns. Raises `OSError`."""
        if name not in self._names or not verified(public, introduction_bytes(name, connection), proof):
            return Standing.REFUSED
        pinned = self._keys.get(name)
        if pinned is None:
            self._keep(name, public)
            return Standing.PINNED
        return Standing.KNOWN if public == pinned else Standing.REFUSED

    def replace(self, name: str, public: bytes) -> None:
        """Pin another key, on an administrator's word alone; durable when this returns. Raises `OSError`."""
        self._keep(name, public)

    def objection(self, name: str) -> str | None:
        """Why no key of that name may be replaced, or None."""
        return (
            None
            if name in self._names
            else f"no sentinel {name!r} here; there are {', '.join(sorted(self._names))}"
        )

    def verify(self, name: str, message: bytes, signature: bytes) -> bool:
        """Whether the sentinel of that name, as it is known here, signed the message."""
        public = self._keys.get(name)
        return public is not None and verified(public, message, signature)

    def _keep(self, name: str, public: bytes) -> None:
        keys = {**self._keys, name: public}
        write_file(self._path, msgspec.json.encode({each: key.hex() for each, key in sorted(keys.items())}))
        self._keys = keys


def _read(path: Path) -> dict[str, bytes]:
    if not path.exists():
        return {}
    try:
        return {name: parse_public(text, str(path)) for name, text in _decode(path.read_bytes()).items()}
    except msgspec.DecodeError as mistake:
        raise SettingsError(
            f"{path}: the pinned keys can't be read ({mistake}): put the file back from a copy; "
            "without it, this service believes its next first contacts"
        ) from None
