"""How to mend what was broken, as data: written to the ledger before anything is broken.

Every undo is idempotent: carrying it out twice, or when nothing is broken, does no harm. A process is identified by
its id *and* its start time, so that a reused id is never signalled.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

SERVICE_VARIABLE: Final = (
    "HARNESS_SERVICE"  # in the environment of each service, so that its descendants can be told
)


class SignalProcess(msgspec.Struct, frozen=True, tag="signal", tag_field="undo"):
    """Send `signal` (`SIGCONT` or `SIGKILL`) to one process; `create_time` is psutil's, seconds since 1970."""

    pid: int
    create_time: float
    signal: str
    service: str = ""


class StartService(msgspec.Struct, frozen=True, tag="start", tag_field="undo"):
    """Start a service again, as it was started first."""

    service: str
    argv: tuple[str, ...]
    environment: dict[str, str]
    directory: str
    log: str


class RemoveToxics(msgspec.Struct, frozen=True, tag="toxics", tag_field="undo"):
    """Take toxics off links of the fault proxy whose API listens at `api` (host:port)."""

    api: str
    toxics: tuple[tuple[str, str], ...]  # (link, toxic)


Undo: TypeAlias = SignalProcess | StartService | RemoveToxics
