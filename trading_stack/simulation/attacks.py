"""An attacker on the network: it can dial any port and say anything, and it has heard what was sent before.

Frames are modelled by what decides about them in `trading_stack.wire`: the key of a connection's direction comes from
the secret and from both ends' nonces, sequences rise by one. The attacker holds no key; it keeps frames whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from trading_stack.defects import Defect
from trading_stack.sentinel.events import Beat
from trading_stack.sentinel.messages import Heartbeat
from trading_stack.simulation.rules import Rule

if TYPE_CHECKING:
    from trading_stack.simulation.world import World

REMEMBERED: Final = 64
BEAT_NS: Final = 20_000_000
NO_KEY: Final = -1


class Frame(NamedTuple):
    """`keyed_by`: the acceptor's nonce of the connection that it was made for (`NO_KEY`: made without the key)."""

    keyed_by: int
    sequence: int


class Door:
    """An acceptor's end of a fresh connection. A nonce of 0 is the planted mistake of not drawing one."""

    def __init__(self, nonce: int, defects: frozenset[Defect]) -> None:
        self._nonce = nonce
        self._defects = defects
        self._sequence = 0

    def admits(self, frame: Frame) -> bool:
        """Whether the frame is taken; the connection ends otherwise."""
        if frame.keyed_by != self._nonce and Defect.UNAUTHENTICATED_HEARTBEAT not in self._defects:
            return False
        if frame.sequence != self._sequence + 1 and Defect.REPLAY_ACCEPTED not in self._defects:
            return False
        self._sequence = frame.sequence
        return True


def nonce(world: World) -> int:
    """What an acceptor draws for a connection."""
    return 0 if Defect.REPLAY_ACCEPTED in world.defects else 1 + world.draws.below(1 << 60)


def replay(world: World, source: str, target: str) -> None:
    """Repeat to engine `target` the last frames that engine `source` sent to it, in their order."""
    sent = world.engines[source].channels[target].sent or []
    recorded = nonce(world)
    door = Door(nonce(world), world.defects - {Defect.UNAUTHENTICATED_HEARTBEAT})  # of sentinels' ports alone
    first = max(0, len(sent) - REMEMBERED)
    for sequence, event in enumerate(sent[first:], first + 1):
        if not door.admits(Frame(recorded, sequence)):
            return
        world.judge.blame(Rule.AUTHENTIC, (target,), f"takes a repeated {type(event.message).__name__}")
        world.engines[target].receive(f"attacker as {source}", event)


def forge(world: World, engine: str, *, until_ns: int) -> None:
    """Tell all sentinels, as this engine, that it serves an epoch above all others."""
    if world.now_ns > until_ns:
        return
    epoch = 1 + max([0, *world.serving.values()])
    beat = Heartbeat("primary", True, True, epoch, engine, epoch, 0, epoch, 0, 0, 0)  # noqa: FBT003 - its fields
    for name, sentinel in world.sentinels.items():
        unauthenticated = Defect.UNAUTHENTICATED_HEARTBEAT in world.defects
        if Door(nonce(world), world.defects).admits(Frame(NO_KEY, 1)) and unauthenticated:
            world.judge.blame(Rule.AUTHENTIC, (name,), f"takes a forged heartbeat of {engine}")
            sentinel.receive("attacker", Beat(engine, beat))
    world.at(world.now_ns + BEAT_NS, lambda _, __: forge(world, engine, until_ns=until_ns), None, None)
