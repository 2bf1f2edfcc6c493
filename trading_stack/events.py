"""What a service says of itself: one line of standard output an event, written whole.

A line that is a JSON object with the key `event` is a stack event; any other line is for people. Each line is one
`os.write`, so that a SIGKILL loses none that was written and tears none apart.
"""

from __future__ import annotations

import contextlib
import os
import time

import msgspec

STDOUT = 1

Field = str | int | float | bool | None


def line_of(kind: str, mono_ns: int, fields: dict[str, Field]) -> bytes:
    """The line of one event; fields that are None are left out."""
    known = {name: value for name, value in fields.items() if value is not None}
    return msgspec.json.encode({"event": kind, "mono_ns": mono_ns, **known}) + b"\n"


def emit(kind: str, **fields: Field) -> None:
    """Say that something happened now, on the host's monotonic clock."""
    _write(line_of(kind, time.monotonic_ns(), fields))


def log(text: str) -> None:
    """Say something to people."""
    _write(text.encode() + b"\n")


def _write(line: bytes) -> None:
    with contextlib.suppress(OSError):  # a closed or full log must never stop a venue
        os.write(STDOUT, line)
