"""One provider's sentinel in virtual time: its ballots, its connections, and ticks that are left out while all is calm."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from trading_stack.journal import events
from trading_stack.journal.events import Certified
from trading_stack.sentinel import events as s
from trading_stack.sentinel.config import Config, Patience, patience_for
from trading_stack.sentinel.messages import Grant, HandOver, Heartbeat
from trading_stack.sentinel.redial import FIRST_NS, HELLO_WITHIN_NS, MOST_NS
from trading_stack.sentinel.sentinel import Sentinel
from trading_stack.simulation.inbox import Inbox, news
from trading_stack.simulation.network import MS, NODES, Channel
from trading_stack.simulation.signing import sign

if TYPE_CHECKING:
    from trading_stack.simulation.world import World

DOWN: Final = -1
HELLOS: Final = HELLO_WITHIN_NS // MOST_NS
"""A dial without an answer fails after so many of the longest waits."""


class SentinelNode:
    """Alive from `start` to `kill`. `links` has the life of each engine that it is connected to, or `DOWN`."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.alive = False
        self.frozen = False
        self.life = 0
        self.ballot: s.Ballot | None = None
        self.moves_ns: tuple[int, ...] = ()
        self.links = dict.fromkeys(NODES, DOWN)
        self.channels: dict[str, Channel] = {}
        self.inboxes = {engine: Inbox(world, self, engine) for engine in NODES}
        self.grants = {
            engine: Channel(world.network, (name, engine), self._grant(engine)) for engine in NODES
        }
        self._clock = world.clocks[name]
        self._waits = dict.fromkeys(NODES, 0)
        self._unanswered = dict.fromkeys(NODES, 0)
        self._held: list[tuple[str, s.Event]] = []
        self._saving: s.Ballot | None = None
        self._timer = 0
        self._timer_held = False
        self._asleep_from_ns: int | None = None
        self._wanted_ns = 0
        self._effects: dict[type[Any], Callable[[Any], None]] = {
            s.ToPeer: lambda effect: self.channels[effect.peer].send(s.Heard(name, effect.message)),
            s.ToEngine: lambda effect: self.grants[effect.engine].send(effect.message),
            s.Save: self._save,
            s.SaveMoves: self._save_moves,
            s.Tell: lambda effect: world.tell(f"sentinel-{name}", effect.kind, effect.fields),
            s.SetTimer: self._set_timer,
        }

    def _grant(self, engine: str) -> Callable[[Grant | HandOver], None]:
        def hand(message: Grant | HandOver) -> None:
            told = Certified if isinstance(message, Grant) else events.HandOver
            self.world.engines[engine].receive(f"sentinel-{self.name}", told(message.certificate))

        return hand

    # --- life

    def start(self) -> None:
        """Begin to watch, with the last ballot that was made durable, and the moves of the primary."""
        world = self.world
        self.alive, self.frozen = True, False
        self.life += 1
        self.links = dict.fromkeys(NODES, DOWN)
        self._waits = dict.fromkeys(NODES, 0)
        self._held, self._saving, self._timer_held, self._asleep_from_ns = [], None, False, None
        config = Config(
            name=self.name,
            peers=tuple(node for node in NODES if node != self.name),
            engines=NODES,
            sign=lambda message: sign(self.name, message),
            patience=patience_for(world.defects, silence_ns=Patience().silence_ns),
            defects=world.defects,
        )
        self._tick_ns = config.patience.tick_ns
        self.config = config
        seed = world.draws.below(1 << 30)
        self.sentinel = Sentinel(config, voted=self.ballot, seed=seed, moves_ns=self.moves_ns)
        for engine in NODES:
            self.inboxes[engine].clear()
            world.at(world.now_ns + world.draws.below(5 * MS), self._dial, engine, self.life)
        self._arm(self._clock.local(world.now_ns + world.draws.below(self._tick_ns)))

    def kill(self) -> None:
        """End the process; a ballot under way is durable or not."""
        self.alive = self.frozen = False
        self.life += 1
        self._timer += 1
        if self._saving is not None and self.world.draws.chance(0.5):
            self.ballot = self._saving
        for engine in NODES:
            self._hang_up(engine)
        for peer, channel in self.channels.items():
            channel.drop(after_ns=self.world.draws.below(2 * self.world.network.delay_ns(self.name, peer)))
            self.world.sentinels[peer].channels[self.name].drop()

    def freeze(self) -> None:
        self._wake()
        self._take_beats()
        self.frozen = True

    def thaw(self) -> None:
        """Go on with what has arrived meanwhile: each sender's in order, the senders in any, and timers last."""
        self.frozen = False
        held, self._held = self._held, []
        for chosen in self.world.draws.shuffled(list(dict.fromkeys(source for source, _ in held))):
            for source, event in held:
                if source == chosen:
                    self._handle(event)
        self._take_beats(heard_ns=self.world.now_ns)
        if self._timer_held:
            self._timer_held = False
            self.tell(s.Tick())

    # --- events

    def receive(self, source: str, event: s.Event) -> None:
        """Something arrives; held back while frozen, lost when dead."""
        if self.frozen:
            self._held.append((source, event))
        elif self.alive:
            self.tell(event)

    def hear(self, event: s.Heard) -> None:
        """A peer's message arrives."""
        self.receive(event.sender, event)

    def receive_beat(self, engine: str, beat: Heartbeat) -> None:
        self.receive(engine, s.Beat(engine, beat))

    def on_peer_up(self, peer: str) -> None:
        self.receive(peer, s.PeerUp(peer))

    def tell(self, event: s.Event) -> None:
        """Let the sentinel handle an event, and do what it asks for."""
        self._wake()
        self._take_beats()
        self._handle(event)

    def _handle(self, event: s.Event) -> None:
        world = self.world
        if world.trace is not None:
            world.trace.line(world.now_ns, f"sentinel-{self.name}", event)
        effects = self._effects
        for effect in self.sentinel.handle(event, self._clock.local(world.now_ns)):
            effects[type(effect)](effect)

    def _take_beats(self, *, heard_ns: int | None = None) -> None:
        """Hand over what has arrived without news, as of when it arrived (or was heard); nothing comes of it."""
        now_ns = self.world.now_ns
        for engine, inbox in self.inboxes.items():
            last = inbox.take(now_ns)
            if last is not None:
                at_ns, beat = last
                local_ns = self._clock.local(at_ns if heard_ns is None else heard_ns)
                effects = self.sentinel.handle(s.Beat(engine, beat), local_ns)
                assert not effects, "a heartbeat without news has no consequence"

    # --- ticks

    def _set_timer(self, effect: s.SetTimer) -> None:
        wanted_ns = effect.at_ns
        if self.world.dozing:
            skipped = -(-(self.sentinel.calm_until_ns - wanted_ns) // self._tick_ns)
            if skipped > 0:
                self._asleep_from_ns = wanted_ns
                wanted_ns += skipped * self._tick_ns
        self._arm(wanted_ns)

    def _wake(self) -> None:
        """The ticks that were left out so far would have changed nothing; the next is wanted in its turn."""
        from_ns = self._asleep_from_ns
        if from_ns is None:
            return
        self._asleep_from_ns = None
        now_ns = self._clock.local(self.world.now_ns)
        if now_ns >= self._wanted_ns:
            self.sentinel.skip_ticks(self._wanted_ns)
            return  # this is the tick that was waited for
        wanted_ns = from_ns + max(0, -(-(now_ns - from_ns) // self._tick_ns)) * self._tick_ns
        self.sentinel.skip_ticks(wanted_ns)
        self._arm(wanted_ns)

    def _arm(self, wanted_ns: int) -> None:
        self._timer += 1
        self._wanted_ns = wanted_ns
        self.world.at(self._clock.world(wanted_ns), self._timer_due, self._timer, None)

    def _timer_due(self, timer: int, _: None) -> None:
        if timer != self._timer:
            return
        if self.frozen:
            self._timer_held = True
        else:
            self.tell(s.Tick())

    # --- ballots

    def _save(self, effect: s.Save) -> None:
        self._saving = effect.ballot
        delay_ns = 100_000 + self.world.draws.below(MS)
        self.world.at(self.world.now_ns + delay_ns, self._saved, effect.ballot, self.life)

    def _saved(self, ballot: s.Ballot, life: int) -> None:
        if life == self.life:
            self.ballot = ballot
            self._saving = None
            self.receive("ballots", s.Saved(ballot))

    def _save_moves(self, effect: s.SaveMoves) -> None:
        self.moves_ns = effect.moves_ns

    # --- connections to engines

    def _dial(self, engine: str, life: int) -> None:
        """Dial until the engine answers: again soon after a refusal, later when nothing answers at all."""
        world = self.world
        if life != self.life or self.links[engine] != DOWN:
            return
        if self.frozen:
            world.at(world.now_ns + MOST_NS, self._dial, engine, life)
            return
        node = world.engines[engine]
        joined = world.network.joined(self.name, engine)
        if joined and node.alive and not node.frozen:
            self._connect(engine, node.life)
            return
        wait_ns = MOST_NS
        if joined and not node.alive and world.powered[engine]:
            wait_ns = self._waits[engine] = min(max(2 * self._waits[engine], FIRST_NS), MOST_NS)
            self.tell(s.DialFailed(engine))
        else:
            self._unanswered[engine] += 1
            if self._unanswered[engine] % HELLOS == 0:
                self.tell(s.DialFailed(engine))
        world.at(world.now_ns + wait_ns, self._dial, engine, life)

    def _connect(self, engine: str, life: int) -> None:
        self.links[engine] = life
        self._waits[engine] = self._unanswered[engine] = 0
        self.grants[engine].up = True
        self.tell(s.EngineUp(engine))
        beat = self.world.engines[engine].heartbeat()
        self.inboxes[engine].send(beat, news(beat))

    def _hang_up(self, engine: str) -> None:
        self.links[engine] = DOWN
        self.grants[engine].drop()
        self.inboxes[engine].drop()

    def reset(self, engine: str) -> None:
        """The connection is reset, and dialled again at once."""
        if not self.alive or self.links[engine] == DOWN:
            return
        if not self.frozen:
            self._take_beats()
        self._hang_up(engine)
        self.receive(engine, s.EngineDown(engine, "reset"))
        round_trip_ns = 2 * self.world.network.delay_ns(self.name, engine)
        self.world.at(self.world.now_ns + round_trip_ns, self._dial, engine, self.life)

    def reset_stale(self, engine: str, life: int) -> None:
        """The far end has lost the connection to that life of the engine, and says so."""
        if self.links[engine] == life:
            self.reset(engine)
