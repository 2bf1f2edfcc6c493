"""Virtual time, three providers, and the links between them; everything is drawn from one seed."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any, Final

from trading_stack.defects import Defect
from trading_stack.journal import events as j
from trading_stack.journal.config import SNAPSHOT_EVERY
from trading_stack.journal.image import Image
from trading_stack.simulation.clock import Clock
from trading_stack.simulation.disk import Disk
from trading_stack.simulation.draws import Draws
from trading_stack.simulation.engine import EngineNode
from trading_stack.simulation.joins import Joins
from trading_stack.simulation.judge import Judge
from trading_stack.simulation.network import MS, NODES, PAIRS, Channel, Network, Weather
from trading_stack.simulation.provider import Provider
from trading_stack.simulation.rules import EVERY_RULE, Happening, Rule
from trading_stack.simulation.sentinel import SentinelNode
from trading_stack.simulation.signing import certificate
from trading_stack.simulation.trace import Trace

Do = Callable[[Any, Any], None]
FIRST_DIALS_NS: Final = 5 * MS  # all begin together
EVENTS_A_SECOND: Final = 60_000


class World:
    """Providers, disks, clocks and links in virtual time.

    `dozing` leaves out what would change nothing (a calm sentinel's ticks); results are the same without. Raises
    `Violation` at the first event after which a judged rule does not hold.
    """

    def __init__(
        self,
        seed: int,
        *,
        sentinels: bool = False,
        defects: frozenset[Defect] = frozenset(),
        weather: Weather | None = None,
        drift_ppm: int = 0,
        snapshot_every: int = SNAPSHOT_EVERY,
        judged: frozenset[Rule] = EVERY_RULE,
        trace: Trace | None = None,
        dozing: bool = True,
    ) -> None:
        self.draws = Draws(seed)
        self.now_ns = 0
        self.events = 0
        self.defects = defects
        self.dozing = dozing
        self.snapshot_every = snapshot_every
        self.trace = trace
        self.told: list[Happening] = []
        self.listeners: list[Callable[[Happening], None]] = []
        self.serving: dict[str, int] = {}
        self.backups: dict[str, Image] = {}
        self.forgot: dict[str, str] = {}
        self.powered = dict.fromkeys(NODES, True)
        self._heap: list[tuple[int, int, Do, Any, Any]] = []
        self._order = 0
        self._incarnations = 0
        self._certified = 0
        self.clocks = {node: self._clock(drift_ppm) for node in NODES}
        self.judge = Judge(self, judged)
        self.network = Network(self, weather)
        self.disks = {node: self.new_disk() for node in NODES}
        self.sentinels: dict[str, SentinelNode] = {}
        self.engines = {node: EngineNode(self, node) for node in NODES}
        if sentinels:
            self.sentinels = {node: SentinelNode(self, node) for node in NODES}
        self._wire()
        self.joins = Joins(self)
        self.providers = {node: Provider(self, node) for node in NODES}
        for provider in self.providers.values():
            provider.start(within_ns=FIRST_DIALS_NS)

    def _clock(self, drift_ppm: int) -> Clock:
        return Clock(self.draws.below(1 << 40), self.draws.between(-drift_ppm, drift_ppm))

    def _wire(self) -> None:
        for source, target in PAIRS:
            for nodes in (self.engines, self.sentinels):
                if nodes:
                    channel = Channel(self.network, (source, target), nodes[target].hear)
                    nodes[source].channels[target] = channel

    def new_disk(self) -> Disk:
        """An empty store that nobody has seen."""
        self._incarnations += 1
        return Disk(Image(f"store-{self._incarnations}"))

    # --- time

    def at(self, at_ns: int, do: Do, one: Any, other: Any) -> None:
        """Call `do(one, other)` at a time of the world, or now if that is over."""
        self._order += 1
        heapq.heappush(
            self._heap, (at_ns if at_ns > self.now_ns else self.now_ns, self._order, do, one, other)
        )

    def run(self, for_ns: int, *, until: Callable[[], bool] | None = None) -> bool:
        """Let time pass; True as soon as `until` holds."""
        heap, pop, end_ns = self._heap, heapq.heappop, self.now_ns + for_ns
        most = self.events + max(1, for_ns // (1000 * MS) + 1) * EVENTS_A_SECOND
        while heap and heap[0][0] <= end_ns:
            self.now_ns, _, do, one, other = pop(heap)
            self.events += 1
            do(one, other)
            if until is not None and until():
                return True
            if self.events > most:
                self.judge.blame(Rule.BOUNDED, (), f"more than {EVENTS_A_SECOND} events in a second")
                return False
        self.now_ns = end_ns
        return until is not None and until()

    # --- what is told

    def tell(self, node: str, kind: str, fields: dict[str, str | int]) -> None:
        """A node emits an event of the stack."""
        event = Happening(self.now_ns, node, kind, fields)
        self.told.append(event)
        if kind == "primary_promoted":
            self.serving[node] = int(fields["epoch"])
        elif kind == "primary_stepped_down":
            self.serving.pop(node, None)
        if self.trace is not None:
            self.trace.line(self.now_ns, node, event)
        for listen in self.listeners:
            listen(event)
        self.judge.on_told(event)

    def kinds(self) -> list[str]:
        """What was told, in order."""
        return [event.kind for event in self.told]

    # --- who leads

    def primary(self) -> str | None:
        """The living primary of the highest epoch that said it serves, or None."""
        serving = self.serving
        return max(serving, key=lambda node: serving[node]) if serving else None

    def votes(self, node: str) -> bool:
        """Whether a replica may vote, by what its store says."""
        if self.disks[node].written.proven:
            return True
        return Defect.WIPED_REPLICA_VOTES in self.defects and self.engines[node].alive

    def forgetful(self, node: str) -> bool:
        """Whether its store has forgotten something, and goes by the name that it had."""
        return self.forgot.get(node) == self.disks[node].written.incarnation

    def propose(self, node: str, request: int, command: bytes = b"") -> None:
        """A client sends a command to an engine."""
        self.engines[node].propose(request, command or f"command {request}".encode())

    def certify(self, candidate: str, new_epoch: int | None = None) -> int:
        """An oracle in the place of sentinels: a majority signs. Returns the epoch, by default above all so far."""
        promised = [disk.written.promise.epoch for disk in self.disks.values()]
        if new_epoch is None:
            new_epoch = 1 + max(self._certified, *promised)
        self._certified = max(self._certified, new_epoch)
        granted = certificate(0, new_epoch, candidate, "alpha", "bravo")
        self.engines[candidate].receive("oracle", j.Certified(granted))
        return new_epoch

    # --- links

    def heal(self) -> None:
        """Nothing is cut any more, and all connections are made anew."""
        self.network.cut.clear()
        self.joins.again(PAIRS)

    def reset_links(self, node: str) -> None:
        """All connections of a provider to the others are reset, and made again; what was under way is lost."""
        for other in NODES:
            if other == node:
                continue
            for source, target in ((node, other), (other, node)):
                self.engines[source].channels[target].drop()
                self.engines[target].linked.discard(source)
                if self.sentinels:
                    self.sentinels[source].channels[target].drop()
                    self.sentinels[source].reset(target)
                self.joins.again([(source, target)])

    def isolate(self, node: str) -> None:
        """Cut a provider off, both ways."""
        for other in NODES:
            if other != node:
                self.network.cut |= {(node, other), (other, node)}
