"""Certificates: a majority of sentinels allows one candidate to be elected for one epoch."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

Verify = Callable[[str, bytes, bytes], bool]


class Certificate(msgspec.Struct, frozen=True, array_like=True):
    """`signatures` maps a sentinel's name to its signature over everything else. Good for `new_epoch` alone."""

    cluster: str
    old_epoch: int
    new_epoch: int
    candidate: str
    signatures: dict[str, bytes]


def signed_bytes(cluster: str, old_epoch: int, new_epoch: int, candidate: str) -> bytes:
    """What a sentinel signs."""
    return b"certificate:" + msgspec.msgpack.encode((cluster, old_epoch, new_epoch, candidate))


def valid(certificate: Certificate, *, cluster: str, needed: int, verify: Verify) -> bool:
    """Whether at least `needed` sentinels signed the certificate, for this cluster and a later epoch."""
    if certificate.cluster != cluster or certificate.new_epoch <= certificate.old_epoch:
        return False
    message = signed_bytes(cluster, certificate.old_epoch, certificate.new_epoch, certificate.candidate)
    good = sum(verify(name, message, signature) for name, signature in certificate.signatures.items())
    return good >= needed
