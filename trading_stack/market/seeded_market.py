"""The market that sources tell of: random walks drawn from a seed, each a function of the sequence alone.

A walk is a Gaussian random walk tied back to its start after `PERIOD` steps (a Brownian bridge, repeated), so that any
tick can be computed again at any time, by any source, and no walk strays far. This is what lets a source that has just
started serve the past.

Three independent sources list five constituents of each index: two, two and one. With any one source gone, at least
three constituents are left, which is what the index needs. Mids and the surface are those of the whole market: all
sources carry the same, so that none of them is needed.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import Final

import numpy as np

from trading_stack.instruments import COINS, INSTRUMENTS, MARKET_EPOCH_NS, SCALE, YEAR_NS, Instrument, Kind
from trading_stack.market.calendar import SURFACE_EVERY, event_ns
from trading_stack.market.messages import PriceTick, SurfaceTick
from trading_stack.market.surface import Ssvi

PERIOD: Final = 1 << 15  # ticks: 22 minutes
LEVELS_USD: Final = {"BTC": 50_000, "ETH": 2_500}
LISTINGS: Final = {"one": (1, 2), "two": (3, 4), "three": (5,)}  # each source's constituents of every index
LINEAR: Final = tuple(name for name, terms in INSTRUMENTS.items() if not terms.is_option)

_INDEX_STEP: Final = 2.0e-5  # of the logarithm, each tick: about 57 % a year
_VENUE_STEP: Final = 1.5e-6  # of a constituent against the index: a few hundredths of a per cent at most
_BASIS_STEP: Final = 3.0e-6
_CARRY_A_YEAR: Final = 0.01
_SURFACE_STEP: Final = 4.0e-4  # of the logarithm of the parameters, each surface


def constituent(coin: str, number: int) -> str:
    """The name of one constituent of a coin's index."""
    return f"{coin}.{number}"


@dataclass(frozen=True, slots=True)
class Walk:
    """A random walk around 0 that repeats after its length."""

    values: list[float]

    @classmethod
    def seeded(cls, seed: int, name: str, *, step: float, length: int = PERIOD) -> Walk:
        """The walk of this name in the market of this seed."""
        draws = np.random.default_rng([seed, zlib.crc32(name.encode())]).standard_normal(length)
        walk = np.cumsum(draws) * step
        tied = walk - walk[-1] * np.arange(1, length + 1) / length
        return cls((tied - tied.mean()).tolist())

    def at(self, sequence: int) -> float:
        return self.values[sequence % len(self.values)]


class SeededMarket:
    """The market of one seed, as one source sees it."""

    def __init__(self, seed: int, source: str) -> None:
        """Raises `ValueError` when no source has that name."""
        if source not in LISTINGS:
            raise ValueError(f"NAME: no source {source!r}; there are {', '.join(LISTINGS)}")
        self._levels = {coin: Walk.seeded(seed, coin, step=_INDEX_STEP) for coin in COINS}
        self._venues = [
            (coin, name, Walk.seeded(seed, name, step=_VENUE_STEP))
            for coin in COINS
            for name in (constituent(coin, number) for number in LISTINGS[source])
        ]
        self._bases = [
            (INSTRUMENTS[name], Walk.seeded(seed, f"basis {name}", step=_BASIS_STEP)) for name in LINEAR
        ]
        self._surface = {
            name: Walk.seeded(seed, f"surface {name}", step=_SURFACE_STEP, length=PERIOD // SURFACE_EVERY)
            for name in ("now", "far", "rho")
        }

    def prices(self, sequence: int) -> PriceTick:
        """The tick of prices of this sequence."""
        time_ns = event_ns(sequence)
        levels = {coin: math.log(LEVELS_USD[coin]) + walk.at(sequence) for coin, walk in self._levels.items()}
        return PriceTick(
            sequence=sequence,
            event_ns=time_ns,
            constituents={
                name: _price(levels[coin] + walk.at(sequence)) for coin, name, walk in self._venues
            },
            mids={
                terms.name: _price(levels[terms.underlying] + walk.at(sequence) + _carry(terms, time_ns))
                for terms, walk in self._bases
            },
        )

    def surface(self, sequence: int) -> SurfaceTick:
        """The surface of this sequence (of the surface's channel)."""
        now, far, rho = (self._surface[name].at(sequence) for name in ("now", "far", "rho"))
        return SurfaceTick(
            sequence=sequence,
            event_ns=event_ns(sequence * SURFACE_EVERY),
            surface=Ssvi(
                variance_now=0.30 * math.exp(now),
                variance_far=0.36 * math.exp(far),
                reversion=2.0,
                rho=-0.25 * math.exp(rho),
                eta=1.1,
                gamma=0.42,
            ),
        )


def _price(log_usd: float) -> int:
    return round(math.exp(log_usd) * SCALE)


def _carry(terms: Instrument, time_ns: int) -> float:
    if terms.kind is not Kind.FUTURE or terms.expiry_ns is None:
        return 0.0
    return _CARRY_A_YEAR * (terms.expiry_ns - max(time_ns, MARKET_EPOCH_NS)) / YEAR_NS
