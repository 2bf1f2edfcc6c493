"""One provider's engine in virtual time: a replica, its store, its links, and whatever befalls it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from trading_stack.engine.heartbeat import HEARTBEAT_NS, heartbeat
from trading_stack.engine.tally import Tally
from trading_stack.journal import events as j
from trading_stack.journal.config import Config
from trading_stack.journal.messages import AppendReply
from trading_stack.journal.replica import Replica
from trading_stack.journal.snapshots import Snapshot
from trading_stack.sentinel.messages import Heartbeat
from trading_stack.simulation.inbox import news
from trading_stack.simulation.network import MS, NODES, Channel
from trading_stack.simulation.signing import verify
from trading_stack.simulation.store import NodeStore

if TYPE_CHECKING:
    from trading_stack.simulation.world import World

SNAPSHOT_NS: Final = 20 * MS
STORE: Final = "store"


class EngineNode:
    """Alive from `start` to `kill` or `lose_power`; what arrives while it is frozen waits until it thaws.

    `sluggish_ns` is how long it leaves what clients send lying about.
    """

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.alive = False
        self.frozen = False
        self.life = 0
        self.sluggish_ns = 0
        self.applied: list[bytes] = []
        self.reads_answered: list[int] = []
        self.linked: set[str] = set()
        self.channels: dict[str, Channel] = {}
        self._clock = world.clocks[name]
        self._peers = tuple(node for node in NODES if node != name)
        self._held: list[tuple[str, j.Event]] = []
        self._store = NodeStore(self)
        self._timer = 0
        self._timer_held = False
        self._asked_ns: dict[int, int] = {}
        self._lying: dict[int, j.Event] = {}
        self._effects: dict[type[Any], Callable[[Any], None]] = {
            j.Send: self._send,
            j.Persist: self._store.write,
            j.Apply: self._apply,
            j.AnswerReads: self._answer_reads,
            j.Refer: self._refer,
            j.Rewind: lambda effect: self.applied.__delitem__(slice(effect.index, None)),
            j.TakeSnapshot: self._take_snapshot,
            j.Install: lambda effect: self._restore(effect.snapshot),
            j.Lead: lambda _: self.beat(),
            j.SetTimer: self._set_timer,
            j.Tell: lambda effect: world.tell(name, effect.kind, effect.fields),
        }

    # --- life

    def start(self) -> None:
        """Open the store, and begin as a standby."""
        world = self.world
        self.alive, self.frozen = True, False
        self.life += 1
        self._held, self._timer_held = [], False
        self._store.begin()
        stored = world.disks[self.name].open()
        self._restore(stored.snapshot)
        config = Config(
            node=self.name,
            peers=self._peers,
            verify=verify,
            epoch_command=lambda epoch, node: f"epoch {epoch} {node}".encode(),
            snapshot_every=world.snapshot_every,
            defects=world.defects,
        )
        nonce = world.draws.below(1 << 40)
        self.replica = Replica(config, stored, nonce=nonce)
        self._tally = Tally(self.now_ns())
        self._asked_ns.clear()
        self._lying.clear()
        if world.sentinels:
            world.at(world.now_ns + world.draws.below(HEARTBEAT_NS), self._beats, self.life, None)

    def kill(self) -> None:
        """End the process. A transaction under way is done or not; the system sends some of what it was given."""
        self._crash()
        self._store.crash()
        self.world.judge.check_recoverable()

    def lose_power(self) -> None:
        """As `kill`, and everything after the last finished fsync is gone."""
        self.kill()
        self.world.disks[self.name].lose_power()
        self.world.judge.check_recoverable()

    def _crash(self) -> None:
        world = self.world
        self.alive = self.frozen = False
        self.life += 1
        self._timer += 1
        self.linked.clear()
        world.serving.pop(self.name, None)
        for peer, channel in self.channels.items():
            channel.drop(after_ns=world.draws.below(2 * world.network.delay_ns(self.name, peer)))
            world.engines[peer].channels[self.name].drop()
            world.engines[peer].linked.discard(self.name)

    def freeze(self) -> None:
        self.frozen = True

    def thaw(self) -> None:
        """Go on with what has arrived meanwhile: each sender's in order, the senders in any, and timers last."""
        self.frozen = False
        held, self._held = self._held, []
        self._store.thaw()
        for chosen in self.world.draws.shuffled(list(dict.fromkeys(source for source, _ in held))):
            for source, event in held:
                if source == chosen:
                    self.tell(event)
        if self._timer_held:
            self._timer_held = False
            self.tell(j.Timer())
        self.beat()

    # --- events

    def receive(self, source: str, event: j.Event) -> None:
        """Something arrives; held back while frozen, lost when dead."""
        if self.frozen:
            self._held.append((source, event))
        elif self.alive:
            self.tell(event)

    def hear(self, event: j.Received) -> None:
        """A peer's message arrives."""
        self.receive(event.sender, event)

    def on_stored(self, life: int, event: j.Event) -> None:
        """The store has done something that this life of the engine asked for."""
        if life == self.life:
            self.receive(STORE, event)

    def tell(self, event: j.Event) -> None:
        """Let the replica handle an event, and do what it asks for."""
        world = self.world
        if world.trace is not None:
            world.trace.line(world.now_ns, self.name, event)
        if type(event) is j.Propose:
            world.judge.on_sent(event.commands)
        effects = self._effects
        for effect in self.replica.handle(event, self._clock.local(world.now_ns)):
            effects[type(effect)](effect)

    def on_peer_up(self, peer: str) -> None:
        self.receive(peer, j.PeerUp(peer))

    def now_ns(self) -> int:
        """The time by its own clock."""
        return self._clock.local(self.world.now_ns)

    def _set_timer(self, effect: j.SetTimer) -> None:
        self._timer += 1
        self.world.at(self._clock.world(effect.at_ns), self._timer_due, self._timer, None)

    def _timer_due(self, timer: int, _: None) -> None:
        if timer != self._timer:
            return
        if self.frozen:
            self._timer_held = True
        else:
            self.tell(j.Timer())

    # --- effects

    def _send(self, effect: j.Send) -> None:
        message = effect.message
        if type(message) is AppendReply:
            self.world.judge.on_reply(self.name, message)
        self.channels[effect.to].send(j.Received(self.name, message))

    def _apply(self, effect: j.Apply) -> None:
        judge = self.world.judge
        for entry, request in zip(effect.entries, effect.requests, strict=True):
            judge.on_commit(self.name, entry, len(self.applied))
            self.applied.append(entry.hash)
            if isinstance(request, int):
                judge.on_ack(request, entry)
                self._answered(request)

    def _answer_reads(self, effect: j.AnswerReads) -> None:
        for request in effect.requests:
            assert isinstance(request, int)
            self.reads_answered.append(request)
            self.world.judge.on_read_answered(self.name, request, len(self.applied))
            self._answered(request)

    # --- clients

    def propose(self, request: int, command: bytes) -> None:
        """A client sends a command."""
        self._take(request, j.Propose([(request, command)]))

    def ask_read(self, request: int) -> None:
        """A client asks to read."""
        self.world.judge.on_read_asked(request)
        self._take(request, j.AskReads([request]))

    def _take(self, request: int, event: j.Event) -> None:
        self._asked_ns[request] = self.now_ns()
        if self.sluggish_ns:
            self._lying[request] = event
            self.world.at(self.world.now_ns + self.sluggish_ns, self._due, request, None)
        else:
            self.receive("clients", event)

    def _due(self, request: int, _: None) -> None:
        event = self._lying.pop(request, None)
        if event is not None:
            self.receive("clients", event)

    def brisk(self) -> None:
        """Leave nothing lying about any more, and take what has been."""
        self.sluggish_ns = 0
        for request in list(self._lying):
            self._due(request, None)

    def _answered(self, request: int) -> None:
        asked_ns = self._asked_ns.pop(request, None)
        if asked_ns is not None:
            self._tally.answer(self.now_ns() - asked_ns)

    def _refer(self, effect: j.Refer) -> None:
        self._tally.turn_away(len(effect.requests))
        for request in effect.requests:
            if isinstance(request, int):
                self._asked_ns.pop(request, None)

    @property
    def unanswered(self) -> list[int]:
        """The requests of clients that this life of the engine has neither answered nor referred."""
        return list(self._asked_ns)

    # --- snapshots: the state is the hashes of all entries that were applied

    def _take_snapshot(self, effect: j.TakeSnapshot) -> None:
        before = _state(effect.after)
        state = before + [entry.hash for entry in effect.entries]
        taken = j.SnapshotTaken(len(state), msgspec.msgpack.encode(state))
        world = self.world
        world.at(world.now_ns + world.draws.below(SNAPSHOT_NS), self.on_stored, self.life, taken)

    def _restore(self, snapshot: Snapshot | None) -> None:
        """Begin with the state of a snapshot, or with none."""
        self.applied = _state(snapshot)
        self.world.judge.on_restored(self.name, self.applied)

    # --- heartbeats

    def _beats(self, life: int, _: None) -> None:
        if life != self.life:
            return
        world = self.world
        world.at(self._clock.world(self.now_ns() + HEARTBEAT_NS), self._beats, life, None)
        self.beat()

    def beat(self) -> None:
        """Send a heartbeat to each sentinel that is connected."""
        world = self.world
        if not world.sentinels or self.frozen:
            return
        said = self.heartbeat()
        told = news(said)
        for sentinel in world.sentinels.values():
            sentinel.inboxes[self.name].send(said, told)

    def heartbeat(self) -> Heartbeat:
        """What this engine says of itself now."""
        view, now_ns = self.replica.view(), self.now_ns()
        return heartbeat(
            view,
            now_ns,
            fsynced_ns=self._store.synced_ns,
            linked=view.leader in self.linked,
            figures=self._tally.figures(now_ns),
        )


def _state(snapshot: Snapshot | None) -> list[bytes]:
    return [] if snapshot is None else msgspec.msgpack.decode(snapshot.data, type=list[bytes])
