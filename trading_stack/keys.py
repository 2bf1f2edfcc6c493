"""Keys: what frames are authenticated with, and what sentinels and administrators sign with.

All services share `CLUSTER_SECRET`: it keeps strangers out, and tells one connection's frames from another's. It
proves nobody's name. Where one name must not be enough to act for another, there are private Ed25519 keys: each
engine, sentinel and administrator has its own, made on the spot, which never leaves its file. `roster` says how the
public halves become known.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from trading_stack.durable import write_file
from trading_stack.settings import SettingsError

Sign = Callable[[bytes], bytes]


def link_key(secret: bytes) -> bytes:
    """The 32 bytes that frames between services are keyed with."""
    return hashlib.blake2b(secret, digest_size=32, person=b"link").digest()


class Signer:
    """A private key, and what may be known of it: the 32 bytes of its public half."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """64 bytes (RFC 8032)."""
        return self._key.sign(message)


def new_signer(path: Path) -> Signer:
    """Make a private key and keep it in `path`, durably, for its owner's eyes alone."""
    key = Ed25519PrivateKey.generate()
    write_file(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return Signer(key)


def read_signer(path: Path) -> Signer:
    """The private key in `path` (PEM, PKCS 8); raises `SettingsError` when others may read it, or it is none."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        data = path.read_bytes()
    except OSError as failure:
        raise SettingsError(f"{path}: no private key can be read: {failure.strerror}") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError(
            f"{path}: others may read this private key (mode {mode:o}): chmod 600, or make a new one"
        )
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(
            f"{path}: no Ed25519 private key in PEM: put it back from a copy, or remove it for a new one"
        )
    return Signer(key)


def own_signer(path: Path) -> Signer:
    """The private key of a service: made at its first start, the same ever after."""
    return read_signer(path) if path.exists() else new_signer(path)


def verified(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the holder of this public key's private half signed the message."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def parse_public(text: str, name: str) -> bytes:
    """A public key in hexadecimal; raises `SettingsError` that cites `name`."""
    try:
        public = bytes.fromhex(text.strip())
        Ed25519PublicKey.from_public_bytes(public)
    except ValueError:
        raise SettingsError(f"{name}: {text!r} is no Ed25519 public key (64 hexadecimal digits)") from None
    return public
