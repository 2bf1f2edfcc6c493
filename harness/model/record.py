"""What load generators write down about each operation: one record when it is sent, one when it is over.

Times are `time.monotonic_ns()` of the host, absolute. One file a generator, `operations-<worker>.ndjson`, one
record a line; a file that was cut by a crash is valid up to its last newline. An operation without a `Completed`
record was still open when its generator died.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

from harness.model.operations import Operation, Reply

OPERATIONS_GLOB: Final = "operations-*.ndjson"

FINAL: Final = "final"
"""The purpose of reads that are made when all faults are healed and the load is over."""


class Invoked(msgspec.Struct, frozen=True, tag="invoked", tag_field="record"):
    """An operation left its client, or never could.

    `op` is unique in the run. `client` is one session, which keeps its name when it moves; `gateway` the entry
    point that it was sent to first, `provider` where that stands. `intended_ns` is when it was due. `sent_ns` is
    the first attempt's; None says that the client had no connection until it gave up: nothing was ever sent.
    """

    op: int
    worker: str
    client: str
    purpose: str
    gateway: str
    provider: str | None
    intended_ns: int
    sent_ns: int | None
    operation: Operation


class Completed(msgspec.Struct, frozen=True, tag="completed", tag_field="record"):
    """An operation is over for its client.

    `completed_ns` is when the answer was there, or, with an `Info` reply, when the client stopped waiting.
    `gateway` is the entry point of the last attempt. `first_attempt` is the outcome of the first attempt (ok,
    fail, info) before any reconnecting; it equals the reply's when `attempts` is 1. `attempts` is 0 when nothing
    was ever sent.
    """

    op: int
    completed_ns: int
    gateway: str
    provider: str | None
    attempts: int
    first_attempt: str
    reply: Reply


OperationRecord: TypeAlias = Invoked | Completed
