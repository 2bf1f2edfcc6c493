"""What replicas say to each other. Each message goes over the connection that its sender dialled."""

from __future__ import annotations

import msgspec

from trading_stack.journal.certificate import Certificate
from trading_stack.journal.entries import Base, Entry
from trading_stack.journal.life import Age, Life


class Status(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=20):
    """Said when a link rises, when it changes, and when asked: which store this is, and whether it may vote.

    `founders` are the stores, by node, that this one knows to have been empty when the cluster began; `seen` the
    greatest ages, by incarnation, at which it has ever seen other stores. `asks`: the sender wants to hear whether its
    own is among them.
    """

    life: Life
    proven: bool
    empty: bool
    founders: dict[str, str]
    seen: dict[str, Age]
    asks: bool = False


class Recover(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=21):
    """A store that may not vote asks what it may have forgotten."""

    nonce: int


class RecoverReply(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=22):
    """`leads` is set by a serving primary alone, whose log then reaches `last_index`."""

    nonce: int
    proven: bool
    promised_epoch: int
    epoch: int
    leads: bool
    last_index: int


class PreVote(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=23):
    """Would you seal your log for me? Changes nothing."""

    certificate: Certificate
    life: Life


class PreVoteReply(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=24):
    epoch: int
    promised_epoch: int
    granted: bool


class Seal(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=25):
    """Promise to accept nothing from epochs below this one, and say how far your log reaches."""

    certificate: Certificate
    life: Life


class SealReply(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=26):
    """Sent once the promise is durable."""

    epoch: int
    promised_epoch: int
    granted: bool
    last_epoch: int = 0
    last_index: int = 0
    life: Life | None = None


class Fetch(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=27):
    """A candidate asks for the entries after `after_index`, where its log has `after_hash`."""

    epoch: int
    after_index: int
    after_hash: bytes


class FetchReply(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=28):
    """`entries` follow `after_index`, unless the logs differ there: then ask again after `hint`."""

    epoch: int
    after_index: int
    hint: int
    entries: list[Entry]
    matched: bool


class Append(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=29):
    """Entries after `before_index`, where the primary's log has `before_hash`; none of them: a heartbeat.

    `round` counts the primary's messages; `acknowledged` is what this very store once said to hold durably in this
    epoch (a store that holds less was rolled back). The certificate goes along until the replica has answered.
    `life` is of the primary's own store.
    """

    epoch: int
    primary: str
    round: int
    before_index: int
    before_hash: bytes
    entries: list[Entry]
    commit_index: int
    serving: bool
    acknowledged: int
    incarnation: str
    certificate: Certificate | None
    life: Life


class AppendReply(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=30):
    """`match_index`: durable here and equal to the primary's log up to there. `promised_epoch` above the epoch of
    the append: refused. Not `matched`: go on after `hint`."""

    epoch: int
    round: int
    promised_epoch: int
    match_index: int
    hint: int
    life: Life
    matched: bool
    proven: bool
    certificate_wanted: bool = False


class SnapshotOffer(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=31):
    """What you need next is gone from my log; this snapshot of `size` bytes stands for it. Ask for it piece by piece.

    `epoch` is the one in which the sender leads you, or holds its log for you to adopt.
    """

    epoch: int
    base: Base
    digest: bytes
    size: int


class SnapshotWanted(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=32):
    """Go on with that snapshot at this byte."""

    digest: bytes
    offset: int


class SnapshotPart(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=33):
    """Some bytes of the snapshot, from `offset` on."""

    digest: bytes
    offset: int
    data: bytes


class Yield(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=39):
    """The primary makes way for you: stand at once. A seal of its log, which you hold, follows with its promise."""

    certificate: Certificate


Message = (
    Status
    | Recover
    | RecoverReply
    | PreVote
    | PreVoteReply
    | Seal
    | SealReply
    | Fetch
    | FetchReply
    | Append
    | AppendReply
    | SnapshotOffer
    | SnapshotWanted
    | SnapshotPart
    | Yield
)
