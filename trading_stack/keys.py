"""Keys: what frames are authenticated with, and what sentinels sign with.

In this first version every key is derived from `CLUSTER_SECRET`, so that any holder of the secret could sign as any
sentinel; a separate private key for each sentinel comes later, and changes this module alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

Sign = Callable[[bytes], bytes]
Verify = Callable[[str, bytes, bytes], bool]


def link_key(secret: bytes) -> bytes:
    """The 32 bytes that frames between services are keyed with."""
    return hashlib.blake2b(secret, digest_size=32, person=b"link").digest()


def _sentinel_key(secret: bytes, name: str) -> Ed25519PrivateKey:
    seed = hashlib.blake2b(name.encode(), key=link_key(secret), digest_size=32, person=b"sentinel")
    return Ed25519PrivateKey.from_private_bytes(seed.digest())


def signer(secret: bytes, name: str) -> Sign:
    """What sentinel `name` signs with."""
    return _sentinel_key(secret, name).sign


def verifier(secret: bytes, names: Iterable[str]) -> Verify:
    """Tells whether `verify(name, message, signature)` was signed by the sentinel of that name."""
    public = {name: _sentinel_key(secret, name).public_key() for name in names}
    return lambda name, message, signature: _verified(public.get(name), message, signature)


def _verified(key: Ed25519PublicKey | None, message: bytes, signature: bytes) -> bool:
    if key is None:
        return False
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True
