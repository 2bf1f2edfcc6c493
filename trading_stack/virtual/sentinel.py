"""A sentinel in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from harness.stack.simulation import Ears, Line, Machine, Redial, Timer, Wire
from trading_stack import defects
from trading_stack.sentinel import events as s
from trading_stack.sentinel import redial
from trading_stack.sentinel.config import Config
from trading_stack.sentinel.decisions.recorder import Recorder
from trading_stack.sentinel.tuning import limits_of, patience_of
from trading_stack.virtual.addresses import named, port
from trading_stack.virtual.book import VirtualBook
from trading_stack.virtual.signing import sign
from trading_stack.virtual.telling import event

REDIAL = Redial(first_ns=redial.FIRST_NS, most_ns=redial.MOST_NS, hello_within_ns=redial.HELLO_WITHIN_NS)


class SentinelNode:
    """One sentinel with its ballots, and the moves of the primary, on a simulated disk."""

    def __init__(self, environment: Mapping[str, str], machine: Machine) -> None:
        self._machine = machine
        self._port = port(environment)
        self._engine_addresses = named(environment, "ENGINES")
        self._peer_addresses = named(environment, "PEERS")
        self._disk = machine.disk("ballots")
        self._disk.sync_now()  # what a killed process left behind was not durable; a ballot that counts must be
        self._failure = ""
        ballots = [each for each in self._disk.records() if isinstance(each, s.Ballot)]
        voted = max(ballots, key=lambda ballot: ballot.new_epoch, default=None)
        moves = [each for each in self._disk.records() if isinstance(each, s.SaveMoves)]
        moves_ns = moves[-1].moves_ns if moves else ()  # a machine's clock goes on, whatever befalls it
        self._book = VirtualBook(machine)
        config, seed = self._config(environment), machine.random.getrandbits(32)
        self._recorder = Recorder(config, self._book, voted=voted, seed=seed, moves_ns=moves_ns)
        self._sentinel = self._recorder.sentinel
        self._timer: Timer | None = None
        self._engines: dict[str, Line] = {}
        self._peers: dict[str, Line] = {}
        self._effects: dict[type[Any], Callable[[Any], object]] = {
            s.ToEngine: lambda effect: self._engines[effect.engine].send(effect.message),
            s.ToPeer: lambda effect: self._peers[effect.peer].send(effect.message),
            s.Save: self._save,
            s.SaveMoves: lambda effect: self._disk.append(effect, lambda _: None),
            s.Tell: lambda effect: machine.tell(event(effect.kind, effect.fields)),
            s.SetTimer: self._set_timer,
        }

    def _config(self, environment: Mapping[str, str]) -> Config:
        name, planted = environment["PROVIDER"], defects.active(environment)
        return Config(
            name=name,
            peers=tuple(self._peer_addresses),
            engines=tuple(self._engine_addresses),
            sign=partial(sign, name),
            cluster=environment.get("CLUSTER", "trading"),
            patience=patience_of(environment, planted),
            limits=limits_of(environment),
            defects=planted,
        )

    def start(self) -> None:
        machine = self._machine
        machine.listen(self._port, Ears(on_message=self._hear))
        for engine, address in self._engine_addresses.items():
            self._engines[engine] = machine.dial(
                address,
                Ears(
                    on_message=partial(self._beat, engine),
                    on_up=partial(self._engine_up, engine),
                    on_down=partial(self._engine_down, engine),
                ),
                redial=REDIAL,
                on_failed=partial(self._dial_failed, engine),
            )
        for peer, address in self._peer_addresses.items():
            ears = Ears(on_message=lambda _, __: None, on_up=partial(self._peer_up, peer))
            self._peers[peer] = machine.dial(address, ears, redial=REDIAL)
        self._tell(s.Tick())

    def unready(self) -> str | None:
        hidden = [engine for engine, line in self._engines.items() if not line.up]
        deaf = [peer for peer, line in self._peers.items() if not line.up]
        if hidden:
            return f"no connection to engines {', '.join(hidden)}"
        if deaf:
            return f"no connection to sentinels {', '.join(deaf)}"
        if self._failure:
            return f"its ballots can't be written: {self._failure}"
        return self._sentinel.lost or (None if self._sentinel.leader else "no primary is known")

    def files(self) -> Mapping[str, bytes]:
        return self._book.files()

    def _hear(self, wire: Wire, message: object) -> None:
        self._tell(s.Heard(wire.peer.partition("-")[2], message))  # type: ignore[arg-type]

    def _beat(self, engine: str, _: Wire, message: object) -> None:
        self._tell(s.Beat(engine, message))  # type: ignore[arg-type]

    def _engine_up(self, engine: str, _: Wire) -> None:
        self._tell(s.EngineUp(engine))

    def _engine_down(self, engine: str, _: Wire, reason: str) -> None:
        self._tell(s.EngineDown(engine, reason))

    def _dial_failed(self, engine: str, _: str) -> None:
        self._tell(s.DialFailed(engine))

    def _peer_up(self, peer: str, _: Wire) -> None:
        self._tell(s.PeerUp(peer))

    def _tell(self, news: s.Event) -> None:
        for effect in self._recorder.handle(news, self._machine.now_ns()):
            self._effects[type(effect)](effect)

    def _save(self, effect: s.Save) -> None:
        self._disk.append(effect.ballot, partial(self._written, effect.ballot))

    def _written(self, ballot: s.Ballot, reason: str) -> None:
        self._failure = reason
        if not reason:
            self._tell(s.Saved(ballot))

    def _set_timer(self, effect: s.SetTimer) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay_ns = max(0, effect.at_ns - self._machine.now_ns())
        self._timer = self._machine.later(delay_ns, lambda: self._tell(s.Tick()))
