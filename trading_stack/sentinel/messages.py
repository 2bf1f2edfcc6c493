"""What sentinels hear from engines, tell them, and say to each other."""

from __future__ import annotations

import msgspec

from trading_stack.journal.certificate import Certificate

NEVER = -1


class Heartbeat(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=40):
    """Sent by an engine every 20 ms over the connection that the sentinel dialled.

    `epoch` and `primary` are who leads as far as the engine knows; `serving` that it does so itself. `ready` engines
    may be elected. `fsync_age_ns` is the time since its last durable write; `primary_age_ns` the time since it heard
    from the primary (`NEVER` when their link is down).

    How it works: `write_age_ns` is how long its oldest unfinished write has been under way, `stalled_ns` how long a
    primary has committed nothing while something waits, `queued` how many commands it has taken and not committed; and
    of its last second, how many requests ended, how many of them failed, and the 99th percentile of their latency.
    """

    role: str
    serving: bool
    ready: bool
    epoch: int
    primary: str | None
    promised_epoch: int
    commit_index: int
    last_epoch: int
    last_index: int
    fsync_age_ns: int
    primary_age_ns: int
    write_age_ns: int = 0
    stalled_ns: int = 0
    queued: int = 0
    requests: int = 0
    failed: int = 0
    latency_ns: int = 0


class Grant(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=41):
    """A sentinel hands the candidate its certificate."""

    certificate: Certificate


class Accusation(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=42):
    """From where I stand, no primary works: not the one of `epoch` and none that is newer (`lost`), or one does.

    `promised_epoch` is the highest that I saw an engine promise, or that I signed.
    """

    epoch: int
    lost: bool
    promised_epoch: int


class Motion(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=43):
    """Sign that this candidate may be elected for this epoch; the sender has. `planned`: an administrator ordered it."""

    old_epoch: int
    new_epoch: int
    candidate: str
    signature: bytes
    planned: bool = False


class Second(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=44):
    """The answer to a motion: a signature, or none and the highest epoch that the sender signed for."""

    old_epoch: int
    new_epoch: int
    candidate: str
    signature: bytes | None
    voted_epoch: int


class Issued(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=45):
    """A certificate, so that every sentinel can hand it over: to its candidate, or if `planned` to the primary."""

    certificate: Certificate
    planned: bool = False


class HandOver(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=47):
    """A sentinel hands the primary a certificate for another engine, to make way for it in good order."""

    certificate: Certificate


class Introduction(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=46):
    """The first message of each connection that a sentinel dials, and from both ends of one between engines: the
    sender's public key, and its signature over `roster.introduction_bytes` for that connection."""

    public: bytes
    proof: bytes


FromPeer = Accusation | Motion | Second | Issued
