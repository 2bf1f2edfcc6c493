"""The roster: which public keys others have, pinned on disk by each engine and each sentinel for itself.

How a sentinel's key becomes known. A sentinel opens every connection that it dials with an `Introduction`: its public
key, and its signature over this very connection. The connection is authenticated by the cluster secret, so at a
service's first start whoever holds the secret is believed: the first key under a name is pinned, durably, before it
counts for anything. From then on the name belongs to that key. Whoever comes with another one, or can't sign for the
connection, is refused and told (`key_refused`, counter `introductions_refused`), the cluster secret notwithstanding. A
pinned key is replaced by an administrator's signed command alone (`replace-key`).

How an engine's key becomes known. Engines show keys to each other as sentinels do, at both ends of a connection, but
they are not believed at first contact: a key is pinned when it is shown at the engine's own configured address, where
the others dial it (`engine.peers`). A wiped engine loses its key with its disk, and must rejoin without an
administrator; so another key shown at that address takes the place of the pinned one, unless the holder of the pinned
one is connected at that moment. It is told each time (`key_pinned`).

What this is worth. Once the roster is pinned, to hold the cluster secret and the key of one sentinel is to be that
sentinel and no other: one signature, and a certificate needs a majority. Nobody passes a roster on, so that a liar can
poison nobody's but at that service's own first start. A service that loses its disk trusts its first contacts again; it
has lost its vote with it, and one poisoned engine elects nobody, since each engine checks certificates by its own
roster. What remains is a cluster whose secret is out before its first start.

To hold the cluster secret is to be no engine: nothing that says yes, acknowledges or appends is heard from whoever has
not shown the key of that engine's address. So one compromised sentinel acknowledges nothing. To hold the secret and to
answer at an engine's address while that engine is away, by taking over its host or the way to it, is to be that engine;
so is to hold its key. Sentinels and gateways rest on the address, too: they take an engine's word over the connections
alone that they dialled. And every member of the cluster may propose commands, as gateways do, which show no key.

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
    """Public keys by name. Raises `SettingsError` on a file that can't be understood: an empty roster trusts."""

    def __init__(self, directory: Path, names: Iterable[str], *, file: str = FILE) -> None:
        self._path = directory / file
        self._names = frozenset(names)
        self._keys = _read(self._path)

    def knows(self, name: str) -> bool:
        """Whether there is anybody of that name, whose key may be pinned or not yet."""
        return name in self._names

    def pinned(self, name: str) -> bytes | None:
        """The key of that name, if one is pinned."""
        return self._keys.get(name)

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
        """Pin this key in the place of any other; durable when this returns. Raises `OSError`."""
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
