"""Signatures for virtual time: cheap, and only as good as nobody's wish to forge them here."""

from __future__ import annotations

import hashlib

from trading_stack.journal.certificate import Certificate, signed_bytes

CLUSTER = "trading"


def sign(name: str, message: bytes) -> bytes:
    """The signature of sentinel `name`."""
    return hashlib.blake2b(name.encode() + message, digest_size=8).digest()


def verify(name: str, message: bytes, signature: bytes) -> bool:
    return signature == sign(name, message)


def certificate(old_epoch: int, new_epoch: int, candidate: str, *signers: str) -> Certificate:
    """What these sentinels sign together."""
    message = signed_bytes(CLUSTER, old_epoch, new_epoch, candidate)
    return Certificate(
        CLUSTER, old_epoch, new_epoch, candidate, {name: sign(name, message) for name in signers}
    )
