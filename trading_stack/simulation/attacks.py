"""Attackers: a stranger on the network, who holds no key and keeps what was sent; and one sentinel gone bad.

The stranger's frames are the very bytes of `trading_stack.wire`, and are judged by its code: the key of a connection's
direction comes from the secret and from both ends' hellos. The rogue sentinel holds the secret and its own signing key:
it can say anything to anybody as itself, and its signature is good for one vote.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from trading_stack.defects import Defect
from trading_stack.journal import events as j
from trading_stack.journal.certificate import Certificate, signed_bytes
from trading_stack.journal.messages import Message
from trading_stack.sentinel import events as s
from trading_stack.sentinel.messages import Accusation, FromPeer, Heartbeat, Issued, Motion, Second
from trading_stack.sentinel.notary import genuine
from trading_stack.simulation.network import MS, NODES
from trading_stack.simulation.rules import Rule
from trading_stack.simulation.signing import CLUSTER, certificate, sign, verify
from trading_stack.wire import MAGIC, NONCE_BYTES, Codec, FrameRefused, Opener, Sealer, direction_key

if TYPE_CHECKING:
    from trading_stack.simulation.sentinel import SentinelNode
    from trading_stack.simulation.world import World

REMEMBERED: Final = 64
BEAT_NS: Final = 20 * MS
SECRET: Final = b"the cluster's own secret"
GUESSED: Final = b"what a stranger has guessed"
LEAPS: Final = (1, 1, 2, 1 << 40, 1 << 62, (1 << 63) - 1, (1 << 64) - 1)


class Door:
    """An acceptor's end of a fresh connection, for whoever says to be `dialler`.

    `hello` is what it opens with; a nonce of zeros is the planted mistake of not drawing one.
    """

    def __init__(self, world: World, name: str, *, dialler: bytes, defects: frozenset[Defect]) -> None:
        self.hello = hello(world, name)
        codec = Codec(
            name,
            SECRET,
            msgspec.msgpack.Decoder(Message),
            replay_accepted=Defect.REPLAY_ACCEPTED in defects,
            unauthenticated=Defect.UNAUTHENTICATED_HEARTBEAT in defects,
        )
        self._opener = Opener(key(SECRET, dialler, self.hello), codec)

    def admits(self, frame: bytes) -> bool:
        """Whether the frame is taken; the connection ends otherwise."""
        try:
            self._opener.open(frame)
        except FrameRefused:
            return False
        return True


def hello(world: World, name: str) -> bytes:
    """What an end of a connection opens with."""
    nonce = 0 if Defect.REPLAY_ACCEPTED in world.defects else 1 + world.draws.below(1 << 60)
    return MAGIC + nonce.to_bytes(NONCE_BYTES, "big") + name.encode()


def key(secret: bytes, dialler: bytes, acceptor: bytes) -> bytes:
    return direction_key(secret, dialler=dialler, acceptor=acceptor, to_acceptor=True)


def replay(world: World, source: str, target: str) -> None:
    """Repeat to engine `target` the last frames that engine `source` sent to it, in their order."""
    sent = world.engines[source].channels[target].sent or []
    dialler = hello(world, source)
    sealer = Sealer(key(SECRET, dialler, hello(world, target)))
    frames = [(event, sealer.seal(msgspec.msgpack.encode(event.message))) for event in sent]
    only_sentinels = frozenset({Defect.UNAUTHENTICATED_HEARTBEAT})
    door = Door(world, target, dialler=dialler, defects=world.defects - only_sentinels)
    for event, frame in frames[-REMEMBERED:]:
        if not door.admits(frame):
            return
        world.judge.blame(Rule.AUTHENTIC, (target,), f"takes a repeated {type(event.message).__name__}")
        world.engines[target].receive(f"attacker as {source}", event)


def forge(world: World, engine: str, *, until_ns: int) -> None:
    """Tell all sentinels, as this engine, that it serves an epoch above all others."""
    if world.now_ns > until_ns:
        return
    epoch = 1 + max([0, *world.serving.values()])
    beat = Heartbeat("primary", True, True, epoch, engine, epoch, 0, epoch, 0, 0, 0)  # noqa: FBT003 - its fields
    payload, dialler = msgspec.msgpack.encode(beat), hello(world, engine)
    for name, sentinel in world.sentinels.items():
        door = Door(world, name, dialler=dialler, defects=world.defects - {Defect.REPLAY_ACCEPTED})
        if door.admits(Sealer(key(GUESSED, dialler, door.hello)).seal(payload)):
            world.judge.blame(Rule.AUTHENTIC, (name,), f"takes a forged heartbeat of {engine}")
            sentinel.receive("attacker", s.Beat(engine, beat))
    world.at(world.now_ns + BEAT_NS, lambda _, __: forge(world, engine, until_ns=until_ns), None, None)


def betray(world: World, name: str, *, until_ns: int) -> None:
    """Say something false in the place of sentinel `name`, to its peers and to an engine, each 20 ms."""
    if world.now_ns > until_ns or not world.sentinels:
        return
    epoch = max([0, *world.serving.values()])
    for peer, sentinel in world.sentinels.items():
        if peer != name:
            _say(world, name, sentinel, _lie(world, name, epoch))
    engine = world.draws.pick(NODES)
    world.engines[engine].receive(
        f"rogue {name}", j.Certified(_false_certificate(world, name, epoch, engine))
    )
    world.at(world.now_ns + BEAT_NS, lambda _, __: betray(world, name, until_ns=until_ns), None, None)


def _say(world: World, name: str, to: SentinelNode, message: FromPeer) -> None:
    config: Any = to.config
    if genuine(name, message, config=config, verify=verify):
        to.receive(name, s.Heard(name, message))


def _lie(world: World, name: str, epoch: int) -> FromPeer:
    draws = world.draws
    candidate, new_epoch = draws.pick(NODES), min(epoch + draws.pick(LEAPS), (1 << 64) - 1)
    signature = sign(name, signed_bytes(CLUSTER, epoch, new_epoch, candidate))
    lies: tuple[FromPeer, ...] = (
        Accusation(epoch, lost=True, promised_epoch=new_epoch),
        Accusation(epoch, lost=True, promised_epoch=epoch),
        Motion(epoch, new_epoch, candidate, signature),
        Motion(epoch, new_epoch, candidate, signature, planned=True),
        Second(epoch, new_epoch, candidate, signature, new_epoch),
        Second(epoch, new_epoch, candidate, None, new_epoch),
        Issued(_false_certificate(world, name, epoch, candidate)),
        Issued(_false_certificate(world, name, epoch, candidate), planned=True),
    )
    return draws.pick(lies)


def _false_certificate(world: World, name: str, epoch: int, candidate: str) -> Certificate:
    """One with a single good signature: alone, beside a forged one, as everybody's, or of another cluster."""
    new_epoch = min(epoch + world.draws.pick(LEAPS), (1 << 64) - 1)
    alone = certificate(epoch, new_epoch, candidate, name)
    own = alone.signatures[name]
    other = next(node for node in NODES if node != name)
    elsewhere = certificate(epoch, new_epoch, candidate, *NODES)
    false = (
        alone,
        msgspec.structs.replace(alone, signatures={name: own, other: b"forged"}),
        msgspec.structs.replace(alone, signatures=dict.fromkeys(NODES, own)),
        msgspec.structs.replace(elsewhere, cluster="another"),
        msgspec.structs.replace(elsewhere, new_epoch=new_epoch - 1),
    )
    return world.draws.pick(false)
