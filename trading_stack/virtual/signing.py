"""Signatures in virtual time: nobody forges there unless a schedule says so, and arithmetic on curves is slow."""

from __future__ import annotations

import hashlib


def sign(name: str, message: bytes) -> bytes:
    """What the sentinel of that name signs with."""
    return hashlib.blake2b(name.encode() + b"\0" + message, digest_size=16).digest()


def verify(name: str, message: bytes, signature: bytes) -> bool:
    """Whether the sentinel of that name signed the message."""
    return signature == sign(name, message)
