"""What the replica is told, and what it asks for: plain data, so that a simulator can stand in for the world."""

from __future__ import annotations

import msgspec

from trading_stack.journal.certificate import Certificate
from trading_stack.journal.entries import Entry
from trading_stack.journal.life import Age
from trading_stack.journal.messages import Message
from trading_stack.journal.snapshots import Snapshot

Request = object  # the shell's own word for who waits; handed back, never looked at


class Promise(msgspec.Struct, frozen=True, array_like=True):
    """One (epoch, candidate): nothing from a lower epoch is accepted any more."""

    epoch: int = 0
    candidate: str = ""


class Stored(msgspec.Struct, frozen=True):
    """What the store held when it was opened. `damage` says what was found broken below the durable mark.

    `fresh`: made where there was no store before. `age` counts this opening, `seen` are the ages at which other
    stores were seen, by incarnation; `openings` are how many writes it had made with each of its last openings, this one
    last. `entries` follow the snapshot, if there is one.
    """

    incarnation: str
    proven: bool
    founders: dict[str, str]
    promise: Promise
    entries: list[Entry]
    damage: str = ""
    fresh: bool = True
    age: Age = Age(1, 0)
    seen: dict[str, Age] = {}
    snapshot: Snapshot | None = None
    openings: tuple[int, ...] = ()


# --- told to the replica


class Received(msgspec.Struct, frozen=True, gc=False):
    sender: str
    message: Message


class Certified(msgspec.Struct, frozen=True):
    """A sentinel handed over a certificate."""

    certificate: Certificate


class HandOver(msgspec.Struct, frozen=True):
    """A sentinel handed over a certificate for another engine: this primary is to make way for it in good order."""

    certificate: Certificate


class PeerUp(msgspec.Struct, frozen=True):
    """The connection that this replica dials to the peer is up; what was sent over an earlier one may be lost."""

    peer: str


class Persisted(msgspec.Struct, frozen=True, gc=False):
    """Every write up to this ticket is durable."""

    ticket: int


class PersistRefused(msgspec.Struct, frozen=True):
    """The store holds to a higher epoch than the one of this write."""

    ticket: int
    promised_epoch: int


class PersistFailed(msgspec.Struct, frozen=True):
    """The store can't write any more (disk full, failing, gone)."""

    reason: str


class Propose(msgspec.Struct, frozen=True):
    """Commands of clients, with who waits for each."""

    commands: list[tuple[Request, bytes]]


class AskReads(msgspec.Struct, frozen=True):
    """Clients want to read what no newer primary can have outrun."""

    requests: list[Request]


class Timer(msgspec.Struct, frozen=True, gc=False):
    """The time asked for with `SetTimer` has come, or it is later."""


class SnapshotTaken(msgspec.Struct, frozen=True):
    """The state after entry `index`, asked for with `TakeSnapshot`; None when it could not be taken."""

    index: int
    data: bytes | None


Event = (
    Received
    | Certified
    | HandOver
    | PeerUp
    | Persisted
    | PersistRefused
    | PersistFailed
    | Propose
    | AskReads
    | Timer
    | SnapshotTaken
)


# --- asked of the shell


class Send(msgspec.Struct, frozen=True, gc=False):
    to: str
    message: Message


class Persist(msgspec.Struct, frozen=True):
    """Make durable, in this order, in one transaction that refuses `fence` below the promise it finds.

    Truncate from `truncate_from` (if set), write the entries, the promise, and what makes the store a voter. A
    `fence` of None writes whatever the promise. `incarnation` is a new name for a store that forgot something, which
    is fresh no more; `seen` the ages at which other stores were seen by now. A `snapshot` takes the place of the entries
    that it stands for, whatever they are; those after it stay, unless they are truncated.
    """

    ticket: int
    fence: int | None
    truncate_from: int | None = None
    entries: list[Entry] = []
    promise: Promise | None = None
    founders: dict[str, str] | None = None
    proven: bool | None = None
    incarnation: str | None = None
    seen: dict[str, Age] | None = None
    snapshot: Snapshot | None = None


class Apply(msgspec.Struct, frozen=True):
    """These entries are committed; apply each, and answer who waits for it (None: nobody does)."""

    entries: list[Entry]
    requests: list[Request | None]


class Rewind(msgspec.Struct, frozen=True):
    """Forget what was applied and apply the log again up to `index`. Only planted defects make this happen."""

    index: int


class TakeSnapshot(msgspec.Struct, frozen=True):
    """Make the state after these entries, from the last snapshot (None: from nothing), and tell `SnapshotTaken`."""

    after: Snapshot | None
    entries: list[Entry]


class Install(msgspec.Struct, frozen=True):
    """Forget what was applied and go on from this snapshot, which is durable."""

    snapshot: Snapshot


class Refer(msgspec.Struct, frozen=True):
    """These clients must turn to another primary; what they asked for may or may not take effect."""

    requests: list[Request]


class AnswerReads(msgspec.Struct, frozen=True):
    """These reads may be answered from the state as applied now."""

    requests: list[Request]


class Lead(msgspec.Struct, frozen=True):
    """Who leads has changed, as far as this replica knows."""

    epoch: int
    primary: str | None


class Tell(msgspec.Struct, frozen=True):
    """Emit a stack event."""

    kind: str
    fields: dict[str, str | int]


class SetTimer(msgspec.Struct, frozen=True, gc=False):
    """Send `Timer` at this time of the monotonic clock; a later `SetTimer` replaces an earlier one."""

    at_ns: int


Effect = (
    Send | Persist | Apply | Rewind | TakeSnapshot | Install | Refer | AnswerReads | Lead | Tell | SetTimer
)
