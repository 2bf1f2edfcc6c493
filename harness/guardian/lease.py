"""A lease: the right to have broken something, with what mends it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from harness.guardian.identity import Owner
from harness.model.undo import SignalProcess, StartService, Undo


class Lease(msgspec.Struct, frozen=True):
    """Undos, newest last, of one owner.

    `granted_ns` is of the host's monotonic clock; `limit_s` after that the guardian heals by itself.
    `revision` grows whenever undos are added.
    """

    id: str
    name: str
    owner: Owner
    granted_ns: int
    limit_s: float
    undos: tuple[Undo, ...]
    revision: int = 0

    def extended(self, undos: tuple[Undo, ...]) -> Lease:
        """The lease with more undos, newest last."""
        return msgspec.structs.replace(self, undos=self.undos + undos, revision=self.revision + 1)

    def expires_ns(self) -> int:
        """When the guardian heals, on the host's monotonic clock."""
        return self.granted_ns + round(self.limit_s * 1e9)


class Step(NamedTuple):
    """One undo to carry out. It is moot when the same healing ends that service for good."""

    lease: Lease
    undo: Undo
    moot: bool


def newest_first(leases: Iterable[Lease]) -> list[Lease]:
    """The order in which leases are healed."""
    return sorted(leases, key=lambda lease: (lease.granted_ns, lease.id), reverse=True)


def plan(leases: Iterable[Lease], *, owner_ended: bool) -> list[Step]:
    """Every undo, newest lease first, newest undo first.

    To start a service again is moot when its stack ends: with its owner, or with its own lease at the same time.
    """
    leases = newest_first(leases)
    ended = {
        undo.service
        for lease in leases
        for undo in lease.undos
        if isinstance(undo, SignalProcess) and ends_a_service(undo)
    }
    return [
        Step(lease, undo, isinstance(undo, StartService) and (owner_ended or undo.service in ended))
        for lease in leases
        for undo in reversed(lease.undos)
    ]


def ends_a_service(undo: Undo) -> bool:
    """Whether this undo ends a process for good: it belongs to the lease of a stack, not to that of a fault."""
    return isinstance(undo, SignalProcess) and undo.signal == "SIGKILL"


def due(leases: Iterable[Lease], *, now_ns: int) -> list[Lease]:
    """The leases to heal because a limit has passed.

    When a stack's own lease has expired, everything that its owner still holds is due: the stack ends.
    """
    leases = list(leases)
    expired = [lease for lease in leases if lease.expires_ns() <= now_ns]
    ended = {lease.owner for lease in expired if any(map(ends_a_service, lease.undos))}
    return [lease for lease in leases if lease in expired or lease.owner in ended]
