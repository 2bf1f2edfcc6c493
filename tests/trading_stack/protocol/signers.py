"""Sentinels' and engines' keys for tests, and connections that show them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trading_stack.dial import Client
from trading_stack.journal.certificate import Certificate, signed_bytes
from trading_stack.keys import Signer, link_key
from trading_stack.sentinel.introductions import introduction
from trading_stack.settings import Address
from trading_stack.wire import Codec

NAMES = ("alpha", "bravo", "charlie")
SIGNERS = {name: Signer(Ed25519PrivateKey.generate()) for name in NAMES}


def certificate(
    candidate: str, signers: Iterable[str], *, old_epoch: int = 0, new_epoch: int = 1
) -> Certificate:
    message = signed_bytes("trading", old_epoch, new_epoch, candidate)
    signatures = {name: SIGNERS[name].sign(message) for name in signers}
    return Certificate("trading", old_epoch, new_epoch, candidate, signatures)


def sentinel(
    name: str,
    address: Address,
    accepts: object,
    heard: list[object],
    *,
    secret: bytes,
    signer: Signer | None = None,
) -> Client:
    """A connection as sentinel `name`, which shows its key (or another's) first."""
    return _shown(f"sentinel-{name}", name, address, accepts, heard, secret, signer or SIGNERS[name])


def engine(name: str, address: Address, *, secret: bytes, signer: Signer) -> Client:
    """A connection as engine `name`, which shows this key first."""
    return _shown(f"engine-{name}", f"engine-{name}", address, object, [], secret, signer)


def _shown(
    name: str,
    shown: str,
    address: Address,
    accepts: object,
    heard: list[object],
    secret: bytes,
    signer: Signer,
) -> Client:
    codec = Codec(name, link_key(secret), msgspec.msgpack.Decoder(accepts))

    def show() -> None:
        client.send(introduction(signer, shown, client.binding))

    client = Client(address, codec, on_message=heard.append, on_up=show)
    return client.start()
