"""The order flow: makers, takers and cancels on several instruments and accounts, as a pure function of a seed.

Makers rest orders on both sides of a reference price and never cross it; takers cross. Each order that may rest is
cancelled later by the session that sent it, so that the book stays bounded: when a cancel is due, it goes before any
new order. The model knows nothing of what the venue answers, and is the same on sockets and in virtual time.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from harness.load.profiles import Profile, arrivals
from harness.load.timed import FLOW, TimedOperation
from harness.model.errors import AdapterError
from harness.model.instrument import Instrument
from harness.model.operations import CancelOrder, NewOrder, Operation, OrderType, Side, TimeInForce

KIND_WEIGHTS: Final = {"perpetual": 45, "future": 25, "option_call": 15, "option_put": 15}
ACTIVE_A_KIND: Final = 4  # so that each book is busy enough to trade, however long the option chain
LEVELS: Final = 8
STEP_SHARE: Final = 10_000  # a level is 1 bp of the reference price, or a tick if that is more
MAKERS_A_CLIENT: Final = 2


@dataclass(frozen=True, slots=True)
class Session:
    """One client: a connection whose home is `gateway`, and the accounts that trade through it."""

    client: str
    gateway: str
    makers: tuple[str, ...]
    taker: str


def sessions(worker: str, gateways: Sequence[str]) -> tuple[Session, ...]:
    """One session a gateway; no account trades through two of them."""
    return tuple(
        Session(
            client=f"{worker}@{gateway}",
            gateway=gateway,
            makers=tuple(f"{worker}-maker-{number}-{maker}" for maker in range(MAKERS_A_CLIENT)),
            taker=f"{worker}-taker-{number}",
        )
        for number, gateway in enumerate(gateways)
    )


def active_instruments(
    instruments: Sequence[Instrument], random: Random
) -> dict[str, tuple[Instrument, ...]]:
    """The instruments that are traded, at most `ACTIVE_A_KIND` a kind, in the order of kinds they came in."""
    kinds: dict[str, list[Instrument]] = {}
    for instrument in instruments:
        kinds.setdefault(instrument.kind, []).append(instrument)
    if not kinds:
        raise AdapterError("the adapter's market() lists no instrument", next_step="list at least one")
    return {
        kind: tuple(random.sample(members, min(ACTIVE_A_KIND, len(members))))
        for kind, members in kinds.items()
    }


class OrderFlow:
    """An endless stream of timed operations; iterating it again gives the same stream."""

    def __init__(
        self,
        instruments: Sequence[Instrument],
        gateways: Sequence[str],
        *,
        profile: Profile,
        per_s: float,
        seed: int,
        worker: str = FLOW,
    ) -> None:
        """A flow of `per_s` operations a second on average; workers of one run differ by their name."""
        self.sessions = sessions(worker, gateways)
        self._instruments = tuple(instruments)
        self._profile = profile
        self._per_s = per_s
        self._seed = f"{seed}/{worker}"
        self._worker = worker

    def __iter__(self) -> Iterator[TimedOperation]:
        random = Random(self._seed)  # noqa: S311  reproducible draws, not secrets
        trader = _Trader(self._instruments, self._profile, random, prefix=self._worker)
        resting: list[tuple[int, int, Session, CancelOrder]] = []
        for number, due_ns in enumerate(arrivals(self._profile, per_s=self._per_s, random=random)):
            if resting and resting[0][0] <= due_ns:
                _, _, session, cancel = heapq.heappop(resting)
                yield _timed(due_ns, session, cancel)
                continue
            session = random.choice(self.sessions)
            order = trader.order(session, number)
            if order.time_in_force is TimeInForce.GOOD_TILL_CANCEL:
                cancel = CancelOrder(order.account, order.client_order_id)
                heapq.heappush(resting, (due_ns + trader.life_ns(), number, session, cancel))
            yield _timed(due_ns, session, order)


def _timed(due_ns: int, session: Session, operation: Operation) -> TimedOperation:
    return TimedOperation(due_ns, FLOW, session.client, session.gateway, operation)


class _Trader:
    """Draws new orders."""

    def __init__(
        self, instruments: Sequence[Instrument], profile: Profile, random: Random, *, prefix: str
    ) -> None:
        self._random = random
        self._profile = profile
        self._prefix = prefix
        self._active = active_instruments(instruments, random)
        self._kinds = tuple(self._active)
        self._weights = tuple(KIND_WEIGHTS.get(kind, 10) for kind in self._kinds)

    def order(self, session: Session, number: int) -> NewOrder:
        kind = self._random.choices(self._kinds, self._weights)[0]
        instrument = self._random.choice(self._active[kind])
        side = self._random.choice((Side.BUY, Side.SELL))
        client_order_id = f"{self._prefix}-{number:07d}"
        if self._random.random() < self._profile.taker_share:
            return self._taker(session.taker, client_order_id, instrument, side)
        account = self._random.choice(session.makers)
        quantity = self._random.randint(instrument.minimum_quantity, instrument.maximum_quantity)
        price = passive_price(instrument, side, self._random.randint(1, LEVELS))
        return NewOrder(account, client_order_id, instrument.name, side, quantity, price=price)

    def life_ns(self) -> int:
        mean_ns = self._profile.mean_life_ns - self._profile.least_life_ns
        return self._profile.least_life_ns + int(self._random.expovariate(1 / mean_ns))

    def _taker(self, account: str, client_order_id: str, instrument: Instrument, side: Side) -> NewOrder:
        """Takers ask for a third of what makers offer, so that most cancels find their order still resting."""
        largest = (
            instrument.minimum_quantity + (instrument.maximum_quantity - instrument.minimum_quantity) // 3
        )
        quantity = self._random.randint(instrument.minimum_quantity, largest)
        style = self._random.random()
        if style < 0.25:
            order_type, price = OrderType.MARKET, None
        else:
            order_type, price = OrderType.LIMIT, aggressive_price(instrument, side)
        # A few takers leave what was not filled in the book: a crossing order that rests is a case of its own.
        rests = style >= 0.9
        in_force = TimeInForce.GOOD_TILL_CANCEL if rests else TimeInForce.IMMEDIATE_OR_CANCEL
        return NewOrder(
            account, client_order_id, instrument.name, side, quantity, order_type, price, in_force
        )


def step(instrument: Instrument) -> int:
    """The distance of two price levels: whole ticks."""
    return max(1, instrument.reference_price // STEP_SHARE // instrument.tick) * instrument.tick


def passive_price(instrument: Instrument, side: Side, level: int) -> int:
    """A price `level` steps on the side's own half of the book; at least one tick."""
    away = level * step(instrument)
    if side is Side.SELL:
        return instrument.reference_price + away
    return max(instrument.tick, instrument.reference_price - away)


def aggressive_price(instrument: Instrument, side: Side) -> int:
    """A price that reaches every level of the other half."""
    return passive_price(instrument, Side.BUY if side is Side.SELL else Side.SELL, LEVELS)
