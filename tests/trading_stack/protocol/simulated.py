"""The protocol in virtual time: replicas with durable stores, sentinels, and a network that loses, reorders, repeats
and cuts. Everything is drawn from one seed. What must always hold is checked at each step.
"""

from __future__ import annotations

import copy
import hashlib
import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import msgspec

from trading_stack.defects import Defect
from trading_stack.journal import events as j
from trading_stack.journal.certificate import Certificate, signed_bytes
from trading_stack.journal.core import Config as ReplicaConfig
from trading_stack.journal.entries import Entry
from trading_stack.journal.image import Image
from trading_stack.journal.replica import Replica
from trading_stack.sentinel import config as sc
from trading_stack.sentinel import events as s
from trading_stack.sentinel.messages import NEVER, Grant, Heartbeat
from trading_stack.sentinel.sentinel import Sentinel

MS = 1_000_000
NODES = ("alpha", "bravo", "charlie")


class Violation(AssertionError):
    """Something that must always hold did not."""


def sign(name: str, message: bytes) -> bytes:
    return hashlib.blake2b(name.encode() + message, digest_size=8).digest()


def certificate(old_epoch: int, new_epoch: int, candidate: str, *signers: str) -> Certificate:
    message = signed_bytes("trading", old_epoch, new_epoch, candidate)
    return Certificate(
        "trading", old_epoch, new_epoch, candidate, {name: sign(name, message) for name in signers}
    )


class Disk(Image):
    """What survives a crash: the last writes that were done, and nothing that was under way."""

    def write(self, persist: j.Persist) -> j.PersistRefused | None:
        before = self.promise
        refused = super().write(persist)
        if self.promise.epoch < before.epoch and persist.snapshot is None:
            raise Violation(f"a promise fell from {before} to {self.promise}")
        return refused


@dataclass
class Weather:
    """How bad the network is: shares of messages lost, doubled and delayed by up to `jitter_ns`."""

    lost: float = 0.0
    doubled: float = 0.0
    delay_ns: int = 1 * MS
    jitter_ns: int = 1 * MS


class World:
    """Virtual time, three engines, and (if asked for) three sentinels."""

    def __init__(
        self,
        seed: int,
        *,
        sentinels: bool = False,
        defects: frozenset[Defect] = frozenset(),
        weather: Weather | None = None,
        snapshot_every: int = 200_000,
    ) -> None:
        self.random = random.Random(seed)
        self.now_ns = 0
        self.weather = weather or Weather()
        self.defects = defects
        self.snapshot_every = snapshot_every
        self.cut: set[tuple[str, str]] = set()
        self.told: list[tuple[int, str, str, dict[str, str | int]]] = []
        self.committed: dict[int, Entry] = {}
        self.commit_epochs: dict[int, str] = {}
        self.acked: dict[int, Entry] = {}
        self.acked_reads = 0
        self.highest_acked = 0
        self.steps = 0
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._order = 0
        self._incarnations = 0
        self.disks = {node: self._new_disk() for node in NODES}
        self.engines = {node: EngineNode(self, node) for node in NODES}
        self.sentinels = {node: SentinelNode(self, node) for node in NODES} if sentinels else {}
        for engine in self.engines.values():
            engine.start()
        for sentinel in self.sentinels.values():
            sentinel.start()

    def _new_disk(self) -> Disk:
        self._incarnations += 1
        return Disk(f"store-{self._incarnations}")

    def wipe(self, node: str) -> None:
        """Lose a crashed engine's disk."""
        self.disks[node] = self._new_disk()

    def back_up(self, node: str) -> Disk:
        """A copy of an engine's disk as it is now."""
        return copy.deepcopy(self.disks[node])

    def put_back(self, node: str, disk: Disk) -> None:
        """Give a crashed engine an older state of its disk."""
        self.disks[node] = copy.deepcopy(disk)

    def all_proven(self) -> bool:
        """Whether every store may vote, so that losing one of them loses nothing."""
        return all(disk.proven for disk in self.disks.values())

    # --- time

    def at(self, delay_ns: int, action: Callable[[], None]) -> None:
        self._order += 1
        heapq.heappush(self._heap, (self.now_ns + delay_ns, self._order, action))

    def run(self, for_ns: int, *, until: Callable[[], bool] | None = None) -> bool:
        """Let time pass; True as soon as `until` holds."""
        end_ns = self.now_ns + for_ns
        while self._heap and self._heap[0][0] <= end_ns:
            self.now_ns, _, action = heapq.heappop(self._heap)
            self.steps += 1
            action()
            if until is not None and until():
                return True
        self.now_ns = end_ns
        return until is not None and until()

    def skip(self, for_ns: int) -> None:
        """Let time pass in which nothing happens but that it passes."""
        self.now_ns += for_ns
        self._heap = [(at_ns + for_ns, order, action) for at_ns, order, action in self._heap]

    # --- the network

    def reachable(self, source: str, target: str) -> bool:
        return (source, target) not in self.cut

    def carry(self, source: str, target: str, deliver: Callable[[], None]) -> None:
        """Deliver after a while, perhaps never or twice; what is cut when it arrives is lost."""
        weather = self.weather
        copies = 0 if self.random.random() < weather.lost else 1
        copies += self.random.random() < weather.doubled
        for _ in range(copies):
            delay_ns = weather.delay_ns + self.random.randrange(max(1, weather.jitter_ns))
            self.at(delay_ns, lambda: deliver() if self.reachable(source, target) else None)

    def isolate(self, node: str) -> None:
        for other in NODES:
            if other != node:
                self.cut |= {(node, other), (other, node)}

    def heal(self) -> None:
        self.cut.clear()
        for node in NODES:
            for other in NODES:
                if other != node:
                    self.engines[node].tell(j.PeerUp(other))

    def heal_links(self, one: str, other: str) -> None:
        """Tell two engines that their connections are up again."""
        self.engines[one].tell(j.PeerUp(other))
        self.engines[other].tell(j.PeerUp(one))

    # --- what must hold

    def tell(self, node: str, kind: str, fields: dict[str, str | int]) -> None:
        self.told.append((self.now_ns, node, kind, fields))
        if kind == "store_damaged" and "committed" in str(fields["reason"]):
            raise Violation(f"{node}: {fields['reason']}")
        if kind == "entries_committed":
            epoch = int(fields["epoch"])
            if self.commit_epochs.setdefault(epoch, node) != node:
                raise Violation(f"{node} and {self.commit_epochs[epoch]} both commit in epoch {epoch}")

    def kinds(self) -> list[str]:
        return [kind for _, _, kind, _ in self.told]

    def on_commit(self, node: str, entry: Entry) -> None:
        known = self.committed.setdefault(entry.index, entry)
        if known.hash != entry.hash:
            raise Violation(f"{node} commits another entry {entry.index} than was committed before")

    def on_ack(self, request: int, entry: Entry) -> None:
        self.acked[request] = entry
        self.highest_acked = max(self.highest_acked, entry.index)

    def check_end(self) -> None:
        """After healing: all replicas agree, and hold everything that was acknowledged."""
        logs = {node: engine.applied for node, engine in self.engines.items()}
        shortest = min(len(log) for log in logs.values())
        for index in range(shortest):
            if len({log[index].hash for log in logs.values()}) != 1:
                raise Violation(f"replicas disagree about entry {index + 1}")
        for request, entry in self.acked.items():
            for node, log in logs.items():
                if len(log) < entry.index or log[entry.index - 1].hash != entry.hash:
                    raise Violation(f"acknowledged command {request} is not applied on {node}")

    # --- shortcuts

    def primary(self) -> str | None:
        """The serving primary of the highest epoch that is alive, or None."""
        serving = [
            (engine.replica.view().epoch, node)
            for node, engine in self.engines.items()
            if engine.alive and engine.replica.view().serving
        ]
        return max(serving)[1] if serving else None

    def propose(self, node: str, request: int) -> None:
        self.engines[node].tell(j.Propose([(request, f"command {request}".encode())]))

    def certify(self, candidate: str, new_epoch: int) -> None:
        """An oracle in the place of sentinels: a majority signs."""
        self.engines[candidate].tell(j.Certified(certificate(0, new_epoch, candidate, "alpha", "bravo")))


def state_of(data: bytes) -> list[Entry]:
    """The state of a replica: all that it has applied."""
    return msgspec.msgpack.decode(data, type=list[Entry])


class EngineNode:
    """One replica with its disk. It crashes without warning, and freezes."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.alive = False
        self.frozen = False
        self.applied: list[Entry] = []
        self.life = 0
        self._held: list[Callable[[], None]] = []
        self._writes: list[j.Persist] = []
        self._timer = 0
        self._asked_reads: dict[int, int] = {}
        self.reads_answered: list[int] = []

    def start(self) -> None:
        world = self.world
        self.alive, self.frozen = True, False
        snapshot = world.disks[self.name].snapshot
        self.applied = state_of(snapshot.data) if snapshot else []
        self.life += 1
        self._held, self._writes = [], []
        self._asked_reads.clear()
        config = ReplicaConfig(
            node=self.name,
            peers=tuple(node for node in NODES if node != self.name),
            verify=lambda name, message, signature: name in NODES and signature == sign(name, message),
            epoch_command=lambda epoch, node: f"epoch {epoch} {node}".encode(),
            defects=world.defects,
            snapshot_every=world.snapshot_every,
        )
        disk = world.disks[self.name]
        disk.open()
        self.replica = Replica(config, disk.stored(), nonce=world.random.randrange(1 << 40))
        for peer in config.peers:
            self._later(self.world.random.randrange(3 * MS), partial(self.tell, j.PeerUp(peer)))
            other = world.engines.get(peer) if hasattr(world, "engines") else None
            if other is not None and other.alive:
                other._later(self.world.random.randrange(3 * MS), partial(other.tell, j.PeerUp(self.name)))

    def crash(self) -> None:
        """Stop at once. Of the writes under way, the store may have finished the first few without saying so."""
        self.alive = False
        self.life += 1
        for persist in self._writes[: self.world.random.randrange(len(self._writes) + 1)]:
            self.world.disks[self.name].write(persist)

    def crash_after_writes(self) -> None:
        """Stop once everything that was asked of the store is durable."""
        for persist in self._writes:
            self.world.disks[self.name].write(persist)
        self._writes = []
        self.crash()

    def tell_command(self, request: int, command: bytes) -> None:
        self.tell(j.Propose([(request, command)]))

    def freeze(self) -> None:
        self.frozen = True

    def thaw(self) -> None:
        """Go on, with everything that has arrived meanwhile, in any order among senders."""
        self.frozen = False
        held, self._held = self._held, []
        for action in held:
            action()

    def _later(self, delay_ns: int, action: Callable[[], None]) -> None:
        life = self.life
        self.world.at(delay_ns, lambda: self._do(life, action))

    def _do(self, life: int, action: Callable[[], None]) -> None:
        if not self.alive or life != self.life:
            return
        if self.frozen:
            self._held.append(lambda: self._do(life, action))
        else:
            action()

    def tell(self, event: j.Event) -> None:
        if not self.alive:
            return
        if self.frozen:
            self._held.append(lambda: self.tell(event))
            return
        for effect in self.replica.handle(event, self.world.now_ns):
            self._carry_out(effect)

    def ask_read(self, request: int) -> None:
        self._asked_reads[request] = self.world.highest_acked
        self.tell(j.AskReads([request]))

    def _carry_out(self, effect: j.Effect) -> None:
        world = self.world
        if isinstance(effect, j.Send):
            target, received = world.engines[effect.to], j.Received(self.name, effect.message)
            life = target.life
            world.carry(self.name, effect.to, lambda: target._do(life, lambda: target.tell(received)))
        elif isinstance(effect, j.Persist):
            self._writes.append(effect)
            if len(self._writes) == 1:
                self._later(self._disk_ns(), self._finish_write)
        elif isinstance(effect, j.Apply):
            self._apply(effect)
        elif isinstance(effect, j.AnswerReads):
            self._answer(effect)
        elif isinstance(effect, j.SetTimer):
            self._later(max(0, effect.at_ns - world.now_ns), lambda: self.tell(j.Timer()))
        elif isinstance(effect, j.Tell):
            world.tell(self.name, effect.kind, effect.fields)
        else:
            self._change_state(effect)

    def _change_state(self, effect: j.Effect) -> None:
        if isinstance(effect, j.Rewind):
            del self.applied[effect.index :]
        elif isinstance(effect, j.TakeSnapshot):
            self._later(self.world.random.randrange(20 * MS), partial(self._take_snapshot, effect))
        elif isinstance(effect, j.Install):
            self.applied = state_of(effect.snapshot.data)

    def _take_snapshot(self, effect: j.TakeSnapshot) -> None:
        """The state is the list of everything applied: all of it, so that what must hold can be checked."""
        state = [*(state_of(effect.after.data) if effect.after else []), *effect.entries]
        self.tell(j.SnapshotTaken(state[-1].index, msgspec.msgpack.encode(state)))

    def _disk_ns(self) -> int:
        slow = self.world.random.random() < 0.02
        return self.world.random.randrange(30 * MS if slow else MS // 2)

    def _finish_write(self) -> None:
        """One transaction: some of what is queued, in order."""
        count = self.world.random.randrange(1, len(self._writes) + 1)
        batch, self._writes = self._writes[:count], self._writes[count:]
        for persist in batch:
            refused = self.world.disks[self.name].write(persist)
            if refused is not None:
                self.tell(refused)
        if self._writes:
            self._later(self._disk_ns(), self._finish_write)
        self.tell(j.Persisted(batch[-1].ticket))

    def _apply(self, effect: j.Apply) -> None:
        for entry, request in zip(effect.entries, effect.requests, strict=True):
            if entry.index != len(self.applied) + 1:
                raise Violation(f"{self.name} applies {entry.index} after {len(self.applied)}")
            self.world.on_commit(self.name, entry)
            self.applied.append(entry)
            if isinstance(request, int):
                self.world.on_ack(request, entry)

    def _answer(self, effect: j.AnswerReads) -> None:
        for request in effect.requests:
            assert isinstance(request, int)
            self.reads_answered.append(request)
            if len(self.applied) < self._asked_reads[request]:
                raise Violation(f"{self.name} answers a read from before what was acknowledged")

    def heartbeat(self) -> Heartbeat:
        view = self.replica.view()
        heard = view.heard_primary_ns
        leader = view.leader
        linked = (
            leader is not None
            and self.world.engines[leader].alive
            and self.world.reachable(leader, self.name)
        )
        age_ns = NEVER if heard is None or not linked else self.world.now_ns - heard
        return Heartbeat(
            str(view.role),
            view.serving,
            view.proven and not view.broken,
            view.epoch,
            view.leader,
            view.promised_epoch,
            view.commit_index,
            view.last.epoch,
            view.last.end,
            0,
            age_ns,
        )


class SentinelNode:
    """One sentinel with its connections. An engine's crash shows as a reset, a cut as silence."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.alive = False
        self.frozen = False
        self.ballot: s.Ballot | None = None
        self.life = 0
        self._links = dict.fromkeys(NODES, -1)

    def start(self) -> None:
        self.alive = True
        self.life += 1
        self._links = dict.fromkeys(NODES, -1)
        config = sc.Config(
            name=self.name,
            peers=tuple(node for node in NODES if node != self.name),
            engines=NODES,
            sign=lambda message: sign(self.name, message),
            patience=sc.patience_for(self.world.defects, silence_ns=240 * MS),
            defects=self.world.defects,
        )
        self.sentinel = Sentinel(config, voted=self.ballot, seed=self.world.random.randrange(1 << 30))
        for engine in NODES:
            self._later(self.world.random.randrange(5 * MS), partial(self._dial, engine))
            self._later(self.world.random.randrange(20 * MS), partial(self._beat, engine))
        self.tell(s.Tick())

    def crash(self) -> None:
        self.alive = False
        self.life += 1

    def _later(self, delay_ns: int, action: Callable[[], None]) -> None:
        life = self.life
        self.world.at(delay_ns, lambda: action() if self.alive and life == self.life else None)

    def tell(self, event: s.Event) -> None:
        if not self.alive:
            return
        for effect in self.sentinel.handle(event, self.world.now_ns):
            self._carry_out(effect)

    def reset(self, engine: str) -> None:
        """The connection is reset, and dialled again."""
        if self._links[engine] >= 0:
            self._links[engine] = -1
            self.tell(s.EngineDown(engine, "reset"))
            self._later(1 * MS, lambda: self._dial(engine))

    def _dial(self, engine: str) -> None:
        node = self.world.engines[engine]
        if self._links[engine] >= 0:
            return
        answers = node.alive and not node.frozen and self.world.reachable(self.name, engine)
        if answers:
            self._links[engine] = node.life
            self.tell(s.EngineUp(engine))
            return
        refused = not node.alive and self.world.reachable(self.name, engine)
        if refused:
            self.tell(s.DialFailed(engine))
        self._later(10 * MS if refused else 100 * MS, lambda: self._dial(engine))

    def _beat(self, engine: str) -> None:
        """The engine's next heartbeat to this sentinel, sent now."""
        node, link = self.world.engines[engine], self._links[engine]
        self._later(20 * MS, lambda: self._beat(engine))
        if link < 0:
            return
        if link != node.life:  # it crashed since the connection was made
            if self.world.reachable(self.name, engine):
                self.reset(engine)
            return
        if not node.alive or node.frozen:
            return
        beat = s.Beat(engine, node.heartbeat())
        self.world.carry(engine, self.name, lambda: self.tell(beat))

    def _carry_out(self, effect: s.Effect) -> None:
        world = self.world
        if isinstance(effect, s.ToPeer):
            target, heard = world.sentinels[effect.peer], s.Heard(self.name, effect.message)
            world.carry(self.name, effect.peer, lambda: target.tell(heard))
        elif isinstance(effect, s.ToEngine):
            told = j.Certified if isinstance(effect.message, Grant) else j.HandOver
            engine, event = world.engines[effect.engine], told(effect.message.certificate)
            if self._links[effect.engine] == engine.life:
                world.carry(self.name, effect.engine, lambda: engine.tell(event))
        elif isinstance(effect, s.Save):
            self._later(world.random.randrange(MS), lambda: self._save(effect.ballot))
        elif isinstance(effect, s.Tell):
            world.tell(f"sentinel-{self.name}", effect.kind, effect.fields)
        elif isinstance(effect, s.SetTimer):
            self._later(max(0, effect.at_ns - world.now_ns), lambda: self.tell(s.Tick()))

    def _save(self, ballot: s.Ballot) -> None:
        if self.ballot is not None and ballot.new_epoch <= self.ballot.new_epoch:
            raise Violation(f"{self.name} signs {ballot} after {self.ballot}")
        self.ballot = ballot
        self.tell(s.Saved(ballot))
