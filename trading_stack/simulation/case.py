"""A schedule together with what it shows: the form in which schedules are kept."""

from __future__ import annotations

from pathlib import Path

import msgspec

from trading_stack.defects import Defect
from trading_stack.simulation.rules import Rule
from trading_stack.simulation.schedule import Schedule


class Case(msgspec.Struct, frozen=True):
    """A schedule under which a defect breaks this rule, and the right code breaks none."""

    defect: Defect
    rule: Rule
    schedule: Schedule


def read_case(path: Path) -> Case:
    """A kept case; raises `msgspec.DecodeError` when the file is none."""
    return msgspec.json.decode(path.read_bytes(), type=Case)


def read_stored(path: Path) -> Case | Schedule:
    """A kept case, or a schedule by itself; raises `msgspec.DecodeError` when the file is neither."""
    data = path.read_bytes()
    whole = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    if "schedule" in whole:
        return msgspec.json.decode(data, type=Case)
    return msgspec.json.decode(data, type=Schedule)


def write_case(case: Case, path: Path) -> None:
    """Keep a case, one key a line."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(case), indent=1) + b"\n")
