"""An engine in virtual time: the replica and the venue of the service, with a simulated host around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import msgspec

from harness.model.replica import ReplicaDump
from harness.stack.simulation import Ears, Line, Machine, Timer, Wire
from trading_stack import defects
from trading_stack.defects import Defect
from trading_stack.engine import dump
from trading_stack.engine.heartbeat import HEARTBEAT_NS, heartbeat
from trading_stack.engine.marks import PERIOD_S, MarksDesk
from trading_stack.engine.messages import Done, Leading, NotPrimary, Read, Submit
from trading_stack.engine.tally import Tally
from trading_stack.journal import events as j
from trading_stack.journal.config import SNAPSHOT_EVERY, Config
from trading_stack.journal.replica import Replica
from trading_stack.journal.snapshots import Snapshot
from trading_stack.market.messages import Follow, MarksFrame
from trading_stack.sentinel.messages import Grant, HandOver, Heartbeat
from trading_stack.venue import commands
from trading_stack.venue.machine import Venue
from trading_stack.virtual.addresses import named, port
from trading_stack.virtual.signing import verify
from trading_stack.virtual.store import VirtualStore
from trading_stack.virtual.telling import event

SNAPSHOT_NS = 50_000_000
PERIOD_NS = round(PERIOD_S * 1e9)


class Asked(NamedTuple):
    """Who waits for an answer."""

    wire: Wire
    request: int
    since_ns: int
    query: bytes = b""


class EngineNode:
    """One replica, its store and its venue."""

    def __init__(self, environment: Mapping[str, str], machine: Machine) -> None:
        self._machine = machine
        self._planted = defects.active(environment)
        self._provider = environment["PROVIDER"]
        self._port = port(environment)
        self._peers = named(environment, "PEERS")
        self._pricing = environment.get("PRICING", "")
        self._store = VirtualStore(machine, self._planted)
        self._replica = Replica(
            self._config(environment), self._store.stored, nonce=machine.random.getrandbits(48)
        )
        self._venue = self._venue_of(self._replica.snapshot)
        self._desk = MarksDesk(any_inputs=Defect.MARKS_BEFORE_FRESH_INPUTS in self._planted)
        self._tally = Tally(machine.now_ns())
        self._leading = Leading(0, None)
        self._lines: dict[str, Line] = {}
        self._gateways: dict[Wire, None] = {}
        self._sentinels: dict[Wire, None] = {}
        self._engines: dict[str, int] = {}
        self._commands: list[tuple[j.Request, bytes]] = []
        self._reads: list[j.Request] = []
        self._timer: Timer | None = None
        self._led = False
        self._effects: dict[type[Any], Callable[[Any], object]] = {
            j.Send: lambda effect: self._lines[effect.to].send(effect.message),
            j.Persist: self._persist,
            j.Apply: self._apply,
            j.AnswerReads: lambda effect: self._answer_reads(effect.requests),
            j.Refer: lambda effect: self._refer(effect.requests),
            j.Rewind: lambda effect: self._rewind(effect.index),
            j.TakeSnapshot: self._take_snapshot,
            j.Install: self._install,
            j.Lead: self._lead,
            j.Tell: lambda effect: machine.tell(event(effect.kind, effect.fields)),
            j.SetTimer: self._set_timer,
        }

    def _config(self, environment: Mapping[str, str]) -> Config:
        sentinels = [self._provider, *self._peers]
        return Config(
            node=self._provider,
            peers=tuple(self._peers),
            verify=verify,
            epoch_command=commands.epoch,
            cluster=environment.get("CLUSTER", "trading"),
            sentinels_needed=len(sentinels) // 2 + 1,
            snapshot_every=int(environment.get("SNAPSHOT_EVERY", SNAPSHOT_EVERY)),
            defects=self._planted,
        )

    def start(self) -> None:
        machine = self._machine
        machine.listen(self._port, Ears(on_message=self._hear, on_up=self._up, on_down=self._down))
        for peer, address in self._peers.items():
            on_up = partial(self._peer_up, peer)
            self._lines[peer] = machine.dial(address, Ears(on_message=lambda _, __: None, on_up=on_up))
        if self._pricing:
            ears = Ears(on_message=self._on_marks, on_up=lambda wire: wire.send(Follow()))
            machine.dial(self._pricing, ears)
        machine.later(HEARTBEAT_NS, self._beats)
        machine.later(PERIOD_NS, self._propose_marks)

    def unready(self) -> str | None:
        return self._replica.view().unready()

    def replica(self) -> ReplicaDump:
        """The drop copy, in the very form that the service gives."""
        view = self._replica.view()
        snapshot = dump.Snapshot(
            node=f"engine-{self._provider}",
            provider=self._provider,
            view=view,
            digest=self._venue.digest(),
            applied_index=self._venue.index,
            base_index=self._replica.log.base.index,
            entries=self._replica.log.slice(1, view.last.end),
            venue=self._venue.dump(),
        )
        decoded = msgspec.json.decode(snapshot.encode(), type=ReplicaDump)
        return msgspec.structs.replace(decoded, read_mono_ns=self._machine.now_ns())

    # --- connections

    def _peer_up(self, peer: str, _: Wire) -> None:
        self._tell(j.PeerUp(peer))

    def _up(self, wire: Wire) -> None:
        kind, _, name = wire.peer.partition("-")
        if kind == "gateway":
            self._gateways[wire] = None
            wire.send(self._leading)
        elif kind == "sentinel":
            self._sentinels[wire] = None
            wire.send(self._heartbeat())
        else:
            self._engines[name] = self._engines.get(name, 0) + 1

    def _down(self, wire: Wire, _: str) -> None:
        self._gateways.pop(wire, None)
        self._sentinels.pop(wire, None)
        kind, _, name = wire.peer.partition("-")
        if kind == "engine":
            self._engines[name] -= 1

    def _hear(self, wire: Wire, message: object) -> None:
        match message:
            case Submit(request, command):
                self._want_flush()
                self._commands.append((Asked(wire, request, self._machine.now_ns()), command))
            case Read(request, query):
                self._read(Asked(wire, request, self._machine.now_ns(), query))
            case Grant(certificate):
                self._tell(j.Certified(certificate))
            case HandOver(certificate):
                self._tell(j.HandOver(certificate))
            case _:
                self._tell(j.Received(wire.peer.partition("-")[2], message))  # type: ignore[arg-type]

    def _read(self, asked: Asked) -> None:
        if Defect.THAWED_PRIMARY_ANSWERS in self._planted and self._replica.view().serving:
            self._answer_reads([asked])  # planted: whoever once led answers from its own state
            return
        self._want_flush()
        self._reads.append(asked)

    def _want_flush(self) -> None:
        if not self._commands and not self._reads:
            self._machine.later(0, self._flush)

    def _flush(self) -> None:
        proposed, self._commands = self._commands, []
        asked, self._reads = self._reads, []
        if proposed:
            self._tell(j.Propose(proposed))
        if asked:
            self._tell(j.AskReads(asked))

    # --- the replica

    def _tell(self, news: j.Event) -> None:
        for effect in self._replica.handle(news, self._machine.now_ns()):
            self._effects[type(effect)](effect)

    def _persist(self, effect: j.Persist) -> None:
        self._store.write(effect, self._tell)

    def _apply(self, effect: j.Apply) -> None:
        for entry, asked in zip(effect.entries, effect.requests, strict=True):
            result = self._venue.apply(entry.index, entry.epoch, entry.time_ns, entry.command)
            if isinstance(asked, Asked):
                asked.wire.send(Done(asked.request, entry.index, entry.epoch, result))
                self._tally.answer(self._machine.now_ns() - asked.since_ns)

    def _answer_reads(self, requests: list[j.Request]) -> None:
        view = self._replica.view()
        for asked in requests:
            if isinstance(asked, Asked):
                result = self._venue.read(asked.query)
                asked.wire.send(Done(asked.request, view.commit_index, view.epoch, result))
                self._tally.answer(self._machine.now_ns() - asked.since_ns)

    def _refer(self, requests: list[j.Request]) -> None:
        self._tally.turn_away(len(requests))
        for asked in requests:
            if isinstance(asked, Asked):
                asked.wire.send(NotPrimary(asked.request, self._leading.primary, self._leading.epoch))

    def _rewind(self, index: int) -> None:
        self._venue = self._venue_of(self._replica.snapshot)
        for entry in self._replica.log.slice(self._venue.index + 1, index):
            self._venue.apply(entry.index, entry.epoch, entry.time_ns, entry.command)

    def _venue_of(self, snapshot: Snapshot | None) -> Venue:
        if snapshot is None:
            return Venue(defects=self._planted)
        return Venue.restore(snapshot.data, defects=self._planted)

    def _take_snapshot(self, effect: j.TakeSnapshot) -> None:
        venue = self._venue_of(effect.after)
        for entry in effect.entries:
            venue.apply(entry.index, entry.epoch, entry.time_ns, entry.command)
        taken = j.SnapshotTaken(effect.entries[-1].index, venue.snapshot())
        self._machine.later(SNAPSHOT_NS, lambda: self._tell(taken))

    def _install(self, effect: j.Install) -> None:
        self._venue = self._venue_of(effect.snapshot)

    def _lead(self, effect: j.Lead) -> None:
        self._leading = Leading(effect.epoch, effect.primary)
        for gateway in self._gateways:
            gateway.send(self._leading)
        self._beat()

    def _set_timer(self, effect: j.SetTimer) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay_ns = max(0, effect.at_ns - self._machine.now_ns())
        self._timer = self._machine.later(delay_ns, lambda: self._tell(j.Timer()))

    # --- heartbeats and marks

    def _beats(self) -> None:
        self._machine.later(HEARTBEAT_NS, self._beats)
        self._beat()

    def _beat(self) -> None:
        if self._sentinels:
            said = self._heartbeat()
            for sentinel in self._sentinels:
                sentinel.send(said)

    def _heartbeat(self) -> Heartbeat:
        view, now_ns = self._replica.view(), self._machine.now_ns()
        return heartbeat(
            view,
            now_ns,
            fsynced_ns=self._store.last_sync_ns,
            linked=bool(view.leader and self._engines.get(view.leader)),
            figures=self._tally.figures(now_ns),
        )

    def _on_marks(self, _: Wire, message: object) -> None:
        if isinstance(message, MarksFrame):
            self._desk.hear(message, self._machine.now_ns())

    def _propose_marks(self) -> None:
        now_ns, leads = self._machine.now_ns(), self._replica.view().serving
        if leads and not self._led:
            self._desk.lead(now_ns)
        elif self._led and not leads:
            self._desk.resign()
        self._led = leads
        command = self._desk.command(now_ns)
        if leads and command is not None:
            self._want_flush()
            self._commands.append((None, command))
        self._machine.later(PERIOD_NS if leads else PERIOD_NS // 10, self._propose_marks)
