"""What becomes of a handover, as the sentinels tell it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, NamedTuple

import msgspec

from trading_stack.admin_commands.errand import exchange
from trading_stack.settings import Address

WITHIN_S: Final = 5.0
ASK_EVERY_S: Final = 0.02


class Told(msgspec.Struct, frozen=True):
    """The part of a sentinel's `/status` that is of interest here."""

    epoch: int
    primary: str | None
    handover: str


class Outcome(NamedTuple):
    """How a handover ended."""

    done: bool
    text: str


def follow(services: Mapping[str, Address], *, epoch: int, target: str) -> Outcome:
    """Ask until the primary of `epoch` was replaced, no sentinel has a handover under way, or `WITHIN_S` are over."""
    end_s = time.monotonic() + WITHIN_S
    while True:
        told = _ask(services)
        outcome = judge(told, epoch=epoch, target=target)
        if outcome is not None:
            return outcome
        if time.monotonic() > end_s:
            return Outcome(done=False, text=f"no sentinel told of an end within {WITHIN_S:g} s")
        time.sleep(ASK_EVERY_S)


def judge(told: Mapping[str, Told], *, epoch: int, target: str) -> Outcome | None:
    """How it ended, or None while it goes on."""
    newer = [each for each in told.values() if each.epoch > epoch and each.primary is not None]
    if newer:
        latest = max(newer, key=lambda each: each.epoch)
        text = f"{latest.primary} leads epoch {latest.epoch}"
        return Outcome(done=latest.primary == target, text=text)
    if told and not any(each.handover.startswith("handing over") for each in told.values()):
        said = sorted({each.handover for each in told.values() if each.handover}) or ["not handed over"]
        return Outcome(done=False, text="; ".join(said))
    return None


def _ask(services: Mapping[str, Address]) -> dict[str, Told]:
    told = {}
    for service, address in services.items():
        with suppress(OSError, msgspec.DecodeError):
            told[service] = msgspec.json.decode(exchange(f"http://{address}/status"), type=Told)
    return told
