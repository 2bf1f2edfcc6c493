"""What goes wrong, when, and under which load: a value that is stored, replayed and shrunk."""

from __future__ import annotations

from pathlib import Path

import msgspec

from trading_stack.journal.config import SNAPSHOT_EVERY
from trading_stack.simulation.faults import AnyFault
from trading_stack.simulation.network import MS


class At(msgspec.Struct, frozen=True, tag="at"):
    """A time of the world."""

    ns: int


class When(msgspec.Struct, frozen=True, tag="when"):
    """`after_ns` after the `nth` event of this kind that anybody tells from `from_ns` on, counted from 1."""

    event: str
    nth: int = 1
    after_ns: int = 0
    from_ns: int = 0


Moment = At | When


class Action(msgspec.Struct, frozen=True):
    moment: Moment
    fault: AnyFault


class Load(msgspec.Struct, frozen=True):
    """Commands and reads a second, and the share of them that goes to anybody instead of the primary."""

    commands_per_s: int = 10
    reads_per_s: int = 3
    astray: float = 0.1


class Schedule(msgspec.Struct, frozen=True, omit_defaults=True):
    """One run. Without `sentinels`, an oracle hands out certificates: safety must not depend on when or to whom.

    `harmless`: nothing in it is a reason to replace the primary, so that whoever does so is at fault. Clocks gain or
    lose up to `drift_ppm`; a replica takes a snapshot every `snapshot_every` entries. After `storm_ns` everything is healed.
    """

    seed: int
    actions: tuple[Action, ...] = ()
    load: Load = Load()
    sentinels: bool = True
    harmless: bool = False
    drift_ppm: int = 200
    snapshot_every: int = SNAPSHOT_EVERY
    storm_ns: int = 3000 * MS


def read(path: Path) -> Schedule:
    """A stored schedule; raises `msgspec.DecodeError` when the file is none."""
    return msgspec.json.decode(path.read_bytes(), type=Schedule)


def write(schedule: Schedule, path: Path) -> None:
    """Store a schedule, one key a line."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(schedule), indent=1) + b"\n")
