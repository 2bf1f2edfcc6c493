"""The sentinel service of one provider: watches all engines, and agrees with its peers on failovers."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from trading_stack import defects, keys, running, settings
from trading_stack.admin import Response, Route, health, metrics, serve_admin
from trading_stack.admin_commands.desk import Action, Arguments, Desk
from trading_stack.admin_commands.replacement import replacement
from trading_stack.defects import Defect
from trading_stack.dial import Client, Redial
from trading_stack.events import emit, log
from trading_stack.roster import Roster
from trading_stack.sentinel import redial
from trading_stack.sentinel.ballots import BallotBox
from trading_stack.sentinel.config import Config
from trading_stack.sentinel.decisions.logbook import Logbook
from trading_stack.sentinel.decisions.recorder import Recorder
from trading_stack.sentinel.events import (
    Ballot,
    Beat,
    DialFailed,
    EngineDown,
    EngineUp,
    Event,
    Heard,
    Order,
    PeerUp,
    Save,
    Saved,
    SaveMoves,
    SetTimer,
    Tell,
    Tick,
    ToEngine,
    ToPeer,
)
from trading_stack.sentinel.introductions import Introductions, introduction
from trading_stack.sentinel.messages import FromPeer, Heartbeat, Introduction
from trading_stack.sentinel.moves import MoveKeeper, boot_id, read_moves
from trading_stack.sentinel.notary import Notary
from trading_stack.sentinel.tuning import limits_of, patience_of
from trading_stack.wire import Callbacks, Codec, Connection, Counters, serve

KEY_FILE: Final = "sentinel.key"
INCOMING: Final = FromPeer | Heartbeat | Introduction
REDIAL: Final = Redial(
    first_s=redial.FIRST_NS / 1e9,
    most_s=redial.MOST_NS / 1e9,
    hello_within_s=redial.HELLO_WITHIN_NS / 1e9,
)


class SentinelStatus(msgspec.Struct, frozen=True):
    """What `GET /status` answers: who leads, why it is taken for lost, and what became of the last handover."""

    epoch: int
    primary: str | None
    lost: str
    handover: str


def _order(arguments: Arguments) -> Order:
    return Order(int(arguments["epoch"]), arguments.get("target", ""))


class Watchtower:
    """The parts of one sentinel, put together from its environment. Must be made on the event loop."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.provider = settings.required(environ, "PROVIDER")
        self.name = f"sentinel-{self.provider}"
        self._secret = settings.secret(environ)
        self._planted = defects.active(environ)
        self.counters = Counters()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        engines, peers = settings.addresses(environ, "ENGINES"), settings.addresses(environ, "PEERS")
        directory = settings.directory(environ, "DATA")
        self._signer = keys.own_signer(directory / KEY_FILE)
        self.roster = Roster(directory, peers)
        self._introductions = Introductions(self.roster, self.counters)
        self._box = BallotBox(directory)
        seed = int(environ.get("SEED", "0")) or int.from_bytes(os.urandom(4), "big")
        config = self._config(environ, tuple(engines), tuple(peers))
        self._notary = Notary(config, self._signer, self.roster)
        self._logbook = Logbook(directory)
        boot = boot_id()
        moves_ns = read_moves(directory, boot=boot, now_ns=time.monotonic_ns())
        self._keeper = MoveKeeper(directory, boot=boot)
        self._recorder = Recorder(config, self._logbook, voted=self._box.last, seed=seed, moves_ns=moves_ns)
        self.sentinel = self._recorder.sentinel
        self.engines = {engine: self._engine(engine, address) for engine, address in engines.items()}
        self.peers = {peer: self._peer(peer, address) for peer, address in peers.items()}
        self.administration = Desk(
            self.name,
            directory,
            environ,
            epoch=self._epoch,
            actions={
                "replace-key": replacement(self.roster, self._introductions),
                "hand-over": Action(self._objection_to, lambda asked: self._tell(_order(asked))),
            },
        )
        self._effects: dict[type[Any], Callable[[Any], object]] = {
            ToEngine: lambda effect: self.engines[effect.engine].send(effect.message),
            ToPeer: lambda effect: self.peers[effect.peer].send(effect.message),
            Save: lambda effect: self._box.save(effect.ballot),
            SaveMoves: lambda effect: self._keeper.save(effect.moves_ns),
            Tell: lambda effect: emit(effect.kind, **effect.fields),
            SetTimer: self._set_timer,
        }

    def _config(self, environ: Mapping[str, str], engines: tuple[str, ...], peers: tuple[str, ...]) -> Config:
        return Config(
            name=self.provider,
            peers=peers,
            engines=engines,
            sign=self._signer.sign,
            cluster=environ.get("CLUSTER", "trading"),
            patience=patience_of(environ, self._planted),
            limits=limits_of(environ),
            defects=self._planted,
        )

    def start(self) -> None:
        """Begin to watch; must be called from the event loop."""
        if self._box.damage:
            emit("store_damaged", epoch=self._epoch(), reason=self._box.failure or "")
        self._logbook.start()
        self._keeper.start()
        self._box.start(lambda ballot: self._loop.call_soon_threadsafe(self._saved, ballot))
        for client in (*self.engines.values(), *self.peers.values()):
            client.start()
        self._tell(Tick())

    def stop(self) -> None:
        """Write down what was noted."""
        self._logbook.close()
        self._keeper.close()

    def codec(self, messages: Any) -> Codec:
        return Codec(
            self.name,
            keys.link_key(self._secret),
            msgspec.msgpack.Decoder(messages),
            counters=self.counters,
            replay_accepted=Defect.REPLAY_ACCEPTED in self._planted,
            unauthenticated=Defect.UNAUTHENTICATED_HEARTBEAT in self._planted,
        )

    def callbacks(self) -> Callbacks:
        """For connections that others dial: peers that showed their key alone may speak here."""
        return Callbacks(on_message=self._on_peer_message)

    def _on_peer_message(self, connection: Connection, message: Any) -> None:
        if isinstance(message, Introduction):
            self._introductions.hear(connection, message)
        elif isinstance(message, Heartbeat):
            engine = connection.peer.partition("-")[2]
            if Defect.UNAUTHENTICATED_HEARTBEAT in self._planted and engine in self.engines:
                self._tell(Beat(engine, message))  # planted: whoever calls itself an engine is one
        else:
            self._on_word(self._introductions.sentinel(connection), message)

    def _on_word(self, peer: str | None, message: FromPeer) -> None:
        if peer not in self.peers:
            return
        if self._notary.genuine(peer, message):
            self._tell(Heard(peer, message))
        else:
            self.counters.add("signatures_refused")

    def _engine(self, engine: str, address: settings.Address) -> Client:
        return Client(
            address,
            self.codec(Heartbeat),
            on_message=lambda heartbeat: self._tell(Beat(engine, heartbeat)),
            on_up=lambda: self._introduce(self.engines[engine], EngineUp(engine)),
            on_down=lambda reason: self._tell(EngineDown(engine, reason)),
            on_dial_failed=lambda _: self._tell(DialFailed(engine)),
            redial=REDIAL,
        )

    def _peer(self, peer: str, address: settings.Address) -> Client:
        return Client(
            address,
            self.codec(FromPeer),
            on_message=lambda _: None,  # peers answer over the connections that they dial
            on_up=lambda: self._introduce(self.peers[peer], PeerUp(peer)),
            redial=REDIAL,
        )

    def _introduce(self, client: Client, event: EngineUp | PeerUp) -> None:
        """Show the key on a new connection before anything else is said there."""
        client.send(introduction(self._signer, self.provider, client.binding))
        self._tell(event)

    def _saved(self, ballot: Ballot) -> None:
        self._tell(Saved(ballot))

    def _tell(self, event: Event) -> None:
        for effect in self._recorder.handle(event, time.monotonic_ns()):
            self._effects[type(effect)](effect)

    def _set_timer(self, effect: SetTimer) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay_s = max(0, effect.at_ns - time.monotonic_ns()) / 1e9
        self._timer = self._loop.call_later(delay_s, self._tell, Tick())

    # --- what it tells

    def unready(self) -> str | None:
        """Why this sentinel can't do its part, or None."""
        if self._box.failure is not None:
            return self._box.failure
        hidden = [engine for engine, client in self.engines.items() if not client.up]
        deaf = [peer for peer, client in self.peers.items() if not client.up]
        if hidden:
            return f"no connection to engines {', '.join(hidden)}"
        if deaf:
            return f"no connection to sentinels {', '.join(deaf)}"
        return self.sentinel.lost or (None if self.sentinel.leader else "no primary is known")

    def figures(self) -> dict[str, float]:
        """All metrics by name."""
        now_ns, suspicion = time.monotonic_ns(), self.sentinel.suspicion
        return {
            **{f"wire_{name}_total": value for name, value in self.counters.values.items()},
            **{f'sentinel_engine_up{{engine="{e}"}}': int(c.up) for e, c in self.engines.items()},
            **{f'sentinel_suspicion{{engine="{e}"}}': round(suspicion(e, now_ns), 3) for e in self.engines},
            **{f'sentinel_work{{monitor="{name}"}}': level for name, level in self.sentinel.levels.items()},
            "sentinel_epoch": self._epoch(),
            "sentinel_suspects": int(self.sentinel.lost is not None),
            "sentinel_decision_log_failed": int(bool(self._logbook.failure)),
            "sentinel_moves_failed": int(bool(self._keeper.failure)),
            "cpu_seconds": time.process_time(),
        }

    def routes(self) -> dict[str, Route]:
        return {
            **self.administration.routes(),
            "/health": health(self.unready),
            "/metrics": metrics(self.figures),
            "/status": lambda _: Response(msgspec.json.encode(self.status())),
        }

    def status(self) -> SentinelStatus:
        leader = self.sentinel.leader
        return SentinelStatus(
            self._epoch(), leader.engine if leader else None, self.sentinel.lost or "", self.sentinel.handover
        )

    def _objection_to(self, arguments: Arguments) -> str | None:
        epoch = arguments.get("epoch", "")
        if not epoch.isdecimal():
            return f"epoch: {epoch!r} is no number"
        return self.sentinel.objection(_order(arguments), time.monotonic_ns())

    def _epoch(self) -> int:
        return self.sentinel.leader.epoch if self.sentinel.leader else 0


async def _serve(environ: Mapping[str, str]) -> None:
    tower = Watchtower(environ)
    codec = tower.codec(INCOMING)
    await serve(codec, tower.callbacks(), *settings.address(environ, "LISTEN"))
    await serve_admin(settings.address(environ, "ADMIN"), tower.routes(), tower.administration.takes())
    tower.start()
    log(f"{tower.name}: watching {', '.join(tower.engines)}")
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        tower.stop()


def main(environ: Mapping[str, str]) -> int:
    """Run the sentinel until a signal ends it."""
    return running.run(_serve(environ))
