"""What a sentinel remembers while nothing is under way: enough to go on from there, and to the same decisions."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from trading_stack.journal.certificate import Certificate
from trading_stack.sentinel.events import Ballot
from trading_stack.sentinel.messages import Accusation
from trading_stack.sentinel.watch import Leader, Watch


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a peer said last, and when it was heard."""

    accusation: Accusation
    heard_ns: int


class Seen(msgspec.Struct, frozen=True):
    """What it has seen and heard of engines and peers, and when the primary moved of late."""

    watches: dict[str, Watch]
    leader: Leader | None
    judgements: dict[str, Judgement]
    moves_ns: list[int]
    gathered_ns: int | None
    strain_ns: int


class Memory(msgspec.Struct, frozen=True, omit_defaults=True):
    """All of one sentinel. One that begins has a seed, and what it wrote down in an earlier life: its ballot, and moves."""

    seed: int
    voted: Ballot | None
    moves_ns: tuple[int, ...] = ()
    draws: int = 0
    voted_epoch: int = 0
    lost_epoch: int = 0
    spent_epoch: int = 0
    failed: dict[str, int] = {}
    told_ns: int = 0
    wanted_ns: int | None = None
    deferred: int = 0
    outcome: str = ""
    followed: Certificate | None = None
    seen: Seen | None = None
