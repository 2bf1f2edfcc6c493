"""What a stack says of itself while it runs."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Moment(StrEnum):
    """The steps of a failover that a stack can tell, in their usual order. A stack may tell others, too."""

    HANDOVER_DECIDED = "handover_decided"
    HANDOVER_COMPLETED = "handover_completed"
    HANDOVER_ABANDONED = "handover_abandoned"
    PRIMARY_SUSPECTED = "primary_suspected"
    SUSPICION_CLEARED = "suspicion_cleared"
    MAJORITY_SUSPECTED = "majority_suspected"
    FAILOVER_DECIDED = "failover_decided"
    CERTIFICATE_ISSUED = "certificate_issued"
    ELECTION_STARTED = "election_started"
    PROMISE_MADE = "promise_made"
    LOG_SEALED = "log_sealed"
    PRIMARY_PROMOTED = "primary_promoted"
    PRIMARY_STEPPED_DOWN = "primary_stepped_down"
    APPEND_REFUSED = "append_refused"
    ENTRIES_COMMITTED = "entries_committed"
    REPLICA_CAUGHT_UP = "replica_caught_up"
    STORE_DAMAGED = "store_damaged"


class StackEvent(msgspec.Struct, frozen=True):
    """One event. `mono_ns` is the host's monotonic clock; `kind` a `Moment` or the stack's own word.

    `epoch` is the leadership term that the event is about (for `append_refused`, the refused one; `promised_epoch`
    the one that the store holds to). `first_index`..`last_index` are the entries of `entries_committed`.
    """

    service: str
    kind: str
    mono_ns: int
    provider: str | None = None
    epoch: int | None = None
    promised_epoch: int | None = None
    candidate: str | None = None
    first_index: int | None = None
    last_index: int | None = None
    reason: str = ""
