"""What runs a stack: the contract that `process`, `sim` and `docker` keep.

Nothing here assumes containers or one host: a site is where a stack runs, reached by addresses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple, Protocol

from harness.faults.contract import Capability, Hands
from harness.model.undo import Undo
from harness.stack.adapter import Address
from harness.stack.description import Stack


class Exit(NamedTuple):
    """A service that ended; `expected` if a change or the teardown meant it."""

    service: str
    code: int | None
    expected: bool
    mono_ns: int


class Leases(Protocol):
    """Where undos are kept safe before anything is broken; the guardian carries them out when the owner cannot."""

    def grant(self, name: str, undos: tuple[Undo, ...], *, limit_s: float) -> str:
        """Write the undos to the ledger and hand them to the guardian; answers the lease's id once both have them.

        `limit_s` is the wall-clock limit after which the guardian heals by itself.
        """

    def extend(self, lease: str, undos: tuple[Undo, ...]) -> None:
        """Add undos to a lease (newest last)."""

    def release(self, lease: str) -> None:
        """The owner has healed and read back: forget the lease."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start one stack for one run."""

    stack: Stack
    run_dir: Path
    seed: int
    leases: Leases
    limit_s: float
    environment: Mapping[str, str]


class Site(Protocol):
    """A running stack."""

    hands: Hands
    entry_points: Mapping[str, Address]  # gateway -> where clients dial, through the WAN
    observed: Mapping[str, Address]  # service -> its health address, reached directly
    logs: Mapping[str, Path]  # service -> the file that its output is appended to

    def pids(self) -> Mapping[str, int]:
        """The main process of each service that lives here, for figures; empty where there are none."""

    def wait_ready(
        self, *, within_s: float, services: tuple[str, ...] | None = None, each: Callable[[str], None]
    ) -> None:
        """Wait until every service (or those named) is ready, telling each; raises `StackUnhealthy` with last lines."""

    def exits(self) -> list[Exit]:
        """Services that ended since the last call."""

    def problem(self) -> str:
        """Why the harness's own parts of the site (its proxies) are of no more use; empty while all is well."""

    def last_lines(self, service: str, *, count: int = 10) -> tuple[str, ...]:
        """The end of a service's output."""

    def save_evidence(self, directory: Path) -> None:
        """On a FAIL, before teardown: stacks, sockets and stores of every service, as far as they can be had."""

    def stop(self) -> tuple[str, ...]:
        """End everything and wait; answers what is left (nothing, if all went well). Safe to call twice."""


class Platform(Protocol):
    """A way to run stacks. `exclusive`: one run at a time on one stack."""

    name: ClassVar[str]
    exclusive: ClassVar[bool]

    def capabilities(self) -> frozenset[Capability]:
        """What can be done here, found by trying, not by guessing."""

    def lacking(self, capability: Capability) -> str:
        """Why a capability is missing, and what would make it possible."""

    def launch(self, launch: Launch) -> Site:
        """Start everything; returns when all is started, not yet ready. Heals after itself when it fails."""
