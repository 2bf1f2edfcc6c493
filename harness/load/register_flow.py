"""The flow for stores that hold registers: reads, writes and compare-and-sets, as a pure function of a seed.

Half of the operations meet on a few shared registers, where clients see each other's work: they show whether there is one
order. The other half write registers of their own, each once, so that each acknowledged write must be there in the end: they
show how much is lost. No value is ever written twice. The model knows nothing of what the store answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from harness.load.flow import sessions
from harness.load.probes import RECONNECTING_CLIENT, probe_client
from harness.load.profiles import Profile, arrivals
from harness.load.timed import FLOW, PROBE, RECONNECT, TimedOperation, merged
from harness.model.operations import (
    CompareAndSet,
    ReadRegister,
    RegisterKind,
    RegisterOperation,
    WriteRegister,
)

SHARED_KEYS: Final = 5
SHARED_SHARE: Final = 0.5
WEIGHTS: Final = {RegisterKind.READ: 50, RegisterKind.WRITE: 30, RegisterKind.CAS: 20}


class RegisterFlow:
    """An endless stream of timed operations; iterating it again gives the same stream."""

    def __init__(
        self,
        kinds: Sequence[RegisterKind],
        gateways: Sequence[str],
        *,
        profile: Profile,
        per_s: float,
        seed: int,
        worker: str = FLOW,
    ) -> None:
        """A flow of `per_s` operations a second on average, of the kinds that the store offers."""
        self.sessions = sessions(worker, gateways)
        self._kinds = tuple(kind for kind in WEIGHTS if kind in kinds)
        self._profile = profile
        self._per_s = per_s
        self._seed = f"{seed}/{worker}"
        self._worker = worker

    def __iter__(self) -> Iterator[TimedOperation]:
        random = Random(self._seed)  # noqa: S311  reproducible draws, not secrets
        weights = [WEIGHTS[kind] for kind in self._kinds]
        latest: dict[str, str] = {}
        for number, due_ns in enumerate(arrivals(self._profile, per_s=self._per_s, random=random)):
            session = random.choice(self.sessions)
            value = f"{self._worker}-{number:07d}"
            if random.random() >= SHARED_SHARE:
                operation: RegisterOperation = WriteRegister(f"own-{value}", value)
            else:
                key = f"shared-{random.randrange(SHARED_KEYS)}"
                kind = random.choices(self._kinds, weights)[0]
                operation = _shared(kind, key, value, latest.get(key))
                if kind is not RegisterKind.READ:
                    latest[key] = value
            yield TimedOperation(due_ns, FLOW, session.client, session.gateway, operation)


def _shared(kind: RegisterKind, key: str, value: str, latest: str | None) -> RegisterOperation:
    """One operation on a shared register; a compare-and-set expects what this flow wrote there last."""
    if kind is RegisterKind.READ:
        return ReadRegister(key)
    if kind is RegisterKind.WRITE:
        return WriteRegister(key, value)
    return CompareAndSet(key, latest, value)


def register_probes(
    gateways: Sequence[str], *, first_gateway: str, every_ns: int
) -> Iterator[TimedOperation]:
    """All probes by due time; never ends. A probe is a write that takes the whole way, of a register of its own."""
    homes = [(PROBE, probe_client(gateway), gateway) for gateway in gateways]
    homes.append((RECONNECT, RECONNECTING_CLIENT, first_gateway))
    return merged(
        _stream(home, every_ns=every_ns, offset_ns=number * every_ns // len(homes))
        for number, home in enumerate(homes)
    )


def _stream(home: tuple[str, str, str], *, every_ns: int, offset_ns: int) -> Iterator[TimedOperation]:
    purpose, client, gateway = home
    number = 0
    while True:
        value = f"{client}-{number:07d}"
        write = WriteRegister(f"own-{value}", value)
        yield TimedOperation(offset_ns + number * every_ns, purpose, client, gateway, write)
        number += 1
