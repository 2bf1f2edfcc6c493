"""What a protocol object tells, as an event of the stack."""

from __future__ import annotations

from collections.abc import Mapping

from harness.model.stack_event import StackEvent


def event(kind: str, fields: Mapping[str, str | int]) -> StackEvent:
    """The event; its service and time are the machine's to fill in."""

    def number(name: str) -> int | None:
        value = fields.get(name)
        return value if isinstance(value, int) else None

    candidate = fields.get("candidate")
    return StackEvent(
        service="",
        kind=kind,
        mono_ns=0,
        epoch=number("epoch"),
        promised_epoch=number("promised_epoch"),
        candidate=candidate if isinstance(candidate, str) else None,
        first_index=number("first_index"),
        last_index=number("last_index"),
        reason=str(fields.get("reason", "")),
    )
