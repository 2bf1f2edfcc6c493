"""Links between providers: they delay, lose, double and reorder messages, are cut, stall, and are reset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from trading_stack.simulation.world import World

MS: Final = 1_000_000
NODES: Final = ("alpha", "bravo", "charlie")
ONE_WAY_NS: Final = {
    ("alpha", "bravo"): 1_000_000,
    ("bravo", "charlie"): 1_500_000,
    ("alpha", "charlie"): 2_500_000,
}

Pair = tuple[str, str]
PAIRS: Final = tuple((one, other) for one in NODES for other in NODES if one != other)


@dataclass(frozen=True, slots=True)
class Weather:
    """What a link does to messages: shares lost and doubled, one-way delay, and up to `jitter_ns` more.

    `ordered` links are TCP's: what was sent first arrives first.
    """

    lost: float = 0.0
    doubled: float = 0.0
    delay_ns: int = 1 * MS
    jitter_ns: int = 1 * MS
    ordered: bool = True


LOCAL: Final = Weather(delay_ns=50_000, jitter_ns=20_000)


def baseline(pair: Pair) -> Weather:
    """A link of the shipped stack: round trips of 2, 3 and 5 ms, 10 % jitter."""
    one_way_ns = ONE_WAY_NS.get(pair) or ONE_WAY_NS[pair[1], pair[0]]
    return Weather(delay_ns=one_way_ns, jitter_ns=one_way_ns // 10)


class Channel:
    """One direction of one connection. What is under way when it drops is lost, from `doomed_ns` on."""

    __slots__ = ("_doomed_ns", "_last_ns", "_network", "_receive", "_stamp", "_world", "pair", "sent", "up")

    def __init__(self, network: Network, pair: Pair, receive: Callable[[Any], None]) -> None:
        self.pair = pair
        self.up = False
        self.sent: list[Any] | None = None
        self._network = network
        self._world = network.world
        self._receive = receive
        self._stamp = 0
        self._doomed_ns = 0
        self._last_ns = 0

    def send(self, message: Any) -> None:
        """Deliver after a while, perhaps never or twice."""
        if not self.up:
            return
        world = self._world
        if self.sent is not None:
            self.sent.append(message)
        weather, unit = self._network.weather[self.pair], world.draws.unit
        if weather.lost and unit() < weather.lost:
            return
        at_ns = self._arrival_ns(weather, unit)
        world.at(at_ns, self._arrive, message, self._stamp)
        if weather.doubled and unit() < weather.doubled:
            again_ns = at_ns + int(unit() * (weather.jitter_ns + MS))
            world.at(again_ns, self._arrive, message, self._stamp)

    def _arrival_ns(self, weather: Weather, unit: Callable[[], float]) -> int:
        """When a message that is sent now arrives."""
        at_ns = self._world.now_ns + weather.delay_ns + int(unit() * weather.jitter_ns)
        stalled_ns = self._network.stalled_ns
        if stalled_ns:
            until_ns = stalled_ns.get(self.pair, 0)
            if at_ns < until_ns:
                at_ns = until_ns + int(unit() * MS)
        if weather.ordered:
            if at_ns <= self._last_ns:
                at_ns = self._last_ns + 1
            self._last_ns = at_ns
        return at_ns

    def _arrive(self, message: Any, stamp: int) -> None:
        if stamp != self._stamp and (stamp != self._stamp - 1 or self._world.now_ns > self._doomed_ns):
            return
        if self.pair in self._network.cut:
            return
        self._receive(message)

    def drop(self, *, after_ns: int = 0) -> None:
        """End the connection: what would arrive later than `after_ns` from now is lost."""
        self.up = False
        self._stamp += 1
        self._doomed_ns = self._world.now_ns + after_ns
        self._last_ns = 0


class Network:
    """All links. `cut` holds the directed pairs that lose everything; `stalled_ns` until when a pair holds it back."""

    def __init__(self, world: World, weather: Weather | None) -> None:
        self.world = world
        self.cut: set[Pair] = set()
        self.stalled_ns: dict[Pair, int] = {}
        self._calm = {pair: weather or baseline(pair) for pair in PAIRS}
        self._local = {(node, node): weather or LOCAL for node in NODES}
        self.weather: dict[Pair, Weather] = {}
        self.calm()

    def calm(self) -> None:
        """Back to what the links are like when nothing is wrong."""
        self.weather = {**self._calm, **self._local}

    def set_weather(self, weather: Weather) -> None:
        """The same weather on all links between providers."""
        self.weather = {**dict.fromkeys(PAIRS, weather), **self._local}

    def reachable(self, source: str, target: str) -> bool:
        return (source, target) not in self.cut

    def joined(self, one: str, other: str) -> bool:
        """Whether a connection between the two can be made."""
        return self.reachable(one, other) and self.reachable(other, one)

    def delay_ns(self, source: str, target: str) -> int:
        return self.weather[source, target].delay_ns
