"""How long one valuation takes: `python benchmarks/pricing_chain.py`.

The peer of the vectorised chain is the same formula over one option at a time with `math`, in the same run. Each figure
is the median and the worst decile of several hundred repetitions, in microseconds of this process's CPU time.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import msgspec
import numpy as np

from trading_stack.instruments import INSTRUMENTS, Kind
from trading_stack.market.calendar import SURFACE_EVERY, event_ns, surface_sequence
from trading_stack.market.chain import Chain
from trading_stack.market.desk import Desk, marks_frame
from trading_stack.market.feed_handler import FeedHandler
from trading_stack.market.messages import Missed
from trading_stack.market.seeded_market import LISTINGS, SeededMarket
from trading_stack.market.surface import Ssvi

REPEATS = 500
FIRST = 1_000_000
MARKETS = {source: SeededMarket(7, source) for source in LISTINGS}
FUTURES = {"BTC-30JAN26": 50_100.0, "BTC-27MAR26": 50_300.0}


def measured(action: Callable[[], object], repeats: int = REPEATS) -> tuple[float, float]:
    """Median and 90th percentile of an action's CPU time, in microseconds."""
    action()
    taken = []
    for _ in range(repeats):
        start = time.process_time_ns()
        action()
        taken.append((time.process_time_ns() - start) / 1e3)
    return statistics.median(taken), statistics.quantiles(taken, n=10)[-1]


def one_by_one(chain: Chain, surface: Ssvi, valuation_ns: int) -> list[float]:
    """The chain with `math` alone, one option at a time."""
    prices = []
    for option, future, strike, years in zip(
        chain.options,
        chain.futures,
        chain.strikes.tolist(),
        chain.years_to_expiry(valuation_ns).tolist(),
        strict=True,
    ):
        forward, sign = FUTURES[future], 1.0 if option.kind is Kind.CALL else -1.0
        decayed = -math.expm1(-surface.reversion * years) / surface.reversion
        theta = surface.variance_far * years + (surface.variance_now - surface.variance_far) * decayed
        phi = surface.eta / (theta**surface.gamma * (1 + theta) ** (1 - surface.gamma))
        k = math.log(strike / forward)
        bent = phi * k
        variance = (
            theta / 2 * (1 + surface.rho * bent + math.sqrt((bent + surface.rho) ** 2 + 1 - surface.rho**2))
        )
        s = math.sqrt(variance)
        d1 = -k / s + s / 2
        upper = 0.5 * math.erfc(-sign * d1 / math.sqrt(2))
        lower = 0.5 * math.erfc(-sign * (d1 - s) / math.sqrt(2))
        prices.append(sign * (upper - strike / forward * lower))
    return prices


def chain_of(copies: int) -> Chain:
    """The listed chain, with `copies` times as many strikes."""
    options = [terms for terms in INSTRUMENTS.values() if terms.is_option]
    finer = [replace(terms, strike=(terms.strike or 0) + n) for n in range(copies) for terms in options]
    return Chain([*(terms for terms in INSTRUMENTS.values() if not terms.is_option), *finer])


def warmed() -> tuple[Desk, FeedHandler]:
    """A desk with full moving averages, and its feed."""
    feed, desk = FeedHandler(tuple(LISTINGS)), Desk("alpha")
    for source, market in MARKETS.items():
        prices = [market.prices(sequence) for sequence in range(FIRST - 759, FIRST + 1)]
        feed.hear(source, Missed(prices=prices, surfaces=[market.surface(surface_sequence(FIRST))]), 0)
    for message in feed.news(0):
        desk.hear(message, 0)
    return desk, feed


def tick_of(desk: Desk, feed: FeedHandler) -> tuple[Callable[[], None], Callable[[], None]]:
    """The work of one tick in the feed service, and of one in the pricing service, without their sockets."""
    at = FIRST
    passed: list[bytes] = []
    encode, decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(type(feed.repeat(0)[0])).decode

    def feeding() -> None:
        nonlocal at
        at += 1
        for source, market in MARKETS.items():
            if at % SURFACE_EVERY == 0:
                feed.hear(source, market.surface(surface_sequence(at)), 0)
            feed.hear(source, market.prices(at), 0)
        passed.extend(encode(message) for message in feed.news(0))

    def pricing() -> None:
        if desk.hear(decode(passed.pop(0)), 0):
            published = desk.value(0)
            assert published is not None
            encode(marks_frame(published))

    return feeding, pricing


def main() -> None:
    """Print the table."""
    surface, valuation_ns = MARKETS["one"].surface(0).surface, event_ns(FIRST)
    print(f"{'what':<58}{'median µs':>10}{'p90 µs':>10}")
    for copies in (1, 10, 100):
        chain = chain_of(copies)
        together = measured(partial(chain.price, FUTURES, surface, valuation_ns))
        apart = measured(partial(one_by_one, chain, surface, valuation_ns), 50)
        worst = np.abs(
            chain.price(FUTURES, surface, valuation_ns).prices - one_by_one(chain, surface, valuation_ns)
        ).max()
        count = len(chain.options)
        _row(f"chain of {count:>4} options, one pass", together)
        _row(
            f"chain of {count:>4} options, one by one (differs by {worst:.0e})", apart, apart[0] / together[0]
        )
    desk, feed = warmed()
    feeding, pricing = tick_of(desk, feed)
    fed = [_timed(feeding) for _ in range(REPEATS)]
    _row("feed: one tick of three sources, the sources' work included", _spread(fed))
    _row(
        "pricing: one valuation of 24 instruments, with its frame",
        _spread([_timed(pricing) for _ in fed[:-1]]),
    )
    ring = desk.ring
    end = ring.since(0).cursor
    _row(
        "pricing: GET /quotes, one second of 600 quotes",
        measured(lambda: msgspec.json.encode(ring.since(end - 600)), 50),
    )


def _timed(action: Callable[[], None]) -> float:
    start = time.process_time_ns()
    action()
    return (time.process_time_ns() - start) / 1e3


def _spread(taken: list[float]) -> tuple[float, float]:
    return statistics.median(taken), statistics.quantiles(taken, n=10)[-1]


def _row(what: str, figures: tuple[float, float], ratio: float | None = None) -> None:
    print(
        f"{what:<58}{figures[0]:>10.1f}{figures[1]:>10.1f}"
        + ("" if ratio is None else f"   {ratio:.1f} times")
    )


if __name__ == "__main__":
    main()
