"""The option chain: all options priced in one vectorised pass over their forwards and the surface.

The forward of an expiry is the mark of the future that expires with it; the volatility comes from the surface at
k = ln(K/F). Times to expiry count from the source event's time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trading_stack.instruments import SCALE, YEAR_NS, Instrument, Kind
from trading_stack.market.black76 import Floats, Greeks, each, greeks, price
from trading_stack.market.surface import Ssvi


@dataclass(frozen=True, slots=True)
class PricedChain:
    """One value an option, in the order of `Chain.options`; prices in coin, the forward in USD."""

    prices: Floats
    forwards: Floats
    volatilities: Floats
    expiry_years: Floats


class Chain:
    """The options of some instruments, ready to be priced again and again."""

    def __init__(self, instruments: Sequence[Instrument], *, year_ns: int = YEAR_NS) -> None:
        """Raises `ValueError` when an option's expiry has no future to take the forward from."""
        self.options = tuple(terms for terms in instruments if terms.is_option)
        self.futures = tuple(_future_of(option, instruments) for option in self.options)
        self.strikes: Floats = np.array([(option.strike or 0) / SCALE for option in self.options])
        self.signs: Floats = np.array([1.0 if option.kind is Kind.CALL else -1.0 for option in self.options])
        self._expiries_ns = np.array([option.expiry_ns or 0 for option in self.options], dtype=np.int64)
        self._year_ns = year_ns

    def years_to_expiry(self, valuation_ns: int) -> Floats:
        """Each option's time to expiry, in years of the contract's 365 days."""
        years: Floats = (self._expiries_ns - valuation_ns) / YEAR_NS
        return years

    def expiries_years(self, valuation_ns: int) -> list[float]:
        """The distinct expiries, for judging a surface."""
        return sorted({float(years) for years in self.years_to_expiry(valuation_ns)})

    def price(self, marks: Mapping[str, float], surface: Ssvi, valuation_ns: int) -> PricedChain:
        """Price all options, given the marks of the futures by name. No option may have expired."""
        forwards: Floats = np.array([marks[name] for name in self.futures])
        years = (self._expiries_ns - valuation_ns) / self._year_ns
        variances = surface.total_variance(each(math.log, self.strikes / forwards), surface.theta(years))
        return PricedChain(
            prices=price(forwards, self.strikes, np.sqrt(variances), self.signs),
            forwards=forwards,
            volatilities=np.sqrt(variances / years),
            expiry_years=self.years_to_expiry(valuation_ns),
        )

    def greeks(self, priced: PricedChain) -> Greeks:
        """The Greeks that belong to a pricing of this chain."""
        return greeks(priced.forwards, self.strikes, priced.volatilities, priced.expiry_years, self.signs)


def _future_of(option: Instrument, instruments: Sequence[Instrument]) -> str:
    for terms in instruments:
        if terms.kind is Kind.FUTURE and (terms.underlying, terms.expiry_ns) == (
            option.underlying,
            option.expiry_ns,
        ):
            return terms.name
    raise ValueError(f"{option.name}: no future expires with it, so its forward is unknown")
