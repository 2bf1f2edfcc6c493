"""The lines of a decision log: JSON arrays, each beginning with what it is.

A log is one or more *openings*, each followed by what happened from there on. An *input* is what the sentinel was told and
when, on its own monotonic clock; what it asked to be *signed* meanwhile, and what it *decided*, follow it at once. To set
a timer is no decision: it follows from the tick before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from trading_stack.defects import Defect
from trading_stack.sentinel.config import Config, Patience
from trading_stack.sentinel.events import Effect, Event, Save, SaveMoves, SetTimer, Tell, ToEngine, ToPeer
from trading_stack.sentinel.memory import Memory
from trading_stack.sentinel.monitors.limits import Limits

VERSION: Final = 3
Decision = ToEngine | ToPeer | Save | SaveMoves | Tell


class Opening(msgspec.Struct, frozen=True, array_like=True, tag="opening"):
    """Who the sentinel is, how it is set, and what it remembers from before."""

    version: int
    name: str
    cluster: str
    engines: tuple[str, ...]
    peers: tuple[str, ...]
    patience: Patience
    limits: Limits
    defects: tuple[Defect, ...]
    memory: Memory

    def config(self, sign: Callable[[bytes], bytes]) -> Config:
        """The configuration, with who signs in the sentinel's place."""
        return Config(
            name=self.name,
            peers=self.peers,
            engines=self.engines,
            sign=sign,
            cluster=self.cluster,
            patience=self.patience,
            limits=self.limits,
            defects=frozenset(self.defects),
        )


class Input(msgspec.Struct, frozen=True, array_like=True, tag="input"):
    now_ns: int
    event: Event


class Signed(msgspec.Struct, frozen=True, array_like=True, tag="signed"):
    """The private key does not stand in the log; what it made does."""

    message: bytes
    signature: bytes


class Decided(msgspec.Struct, frozen=True, array_like=True, tag="decided"):
    decisions: tuple[Decision, ...]


Record = Opening | Input | Signed | Decided
ENCODER: Final = msgspec.json.Encoder()
DECODER: Final = msgspec.json.Decoder(Record)


def opening(config: Config, memory: Memory) -> Opening:
    """The first record of a log."""
    return Opening(
        VERSION,
        config.name,
        config.cluster,
        config.engines,
        config.peers,
        config.patience,
        config.limits,
        tuple(sorted(config.defects)),
        memory,
    )


def decided(effects: Sequence[Effect]) -> Decided | None:
    """What of these effects is a decision, or None."""
    decisions = tuple(effect for effect in effects if not isinstance(effect, SetTimer))
    return Decided(decisions) if decisions else None
