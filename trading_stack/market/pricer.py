"""The pricing model as one pure state machine: frames in, valuations out; no clock of its own.

Its only state is the window of the moving averages, and the last surface that was found free of arbitrage. Both follow
from the source's ticks alone, so that two pricers that heard the same ticks, in any order and from any restart on,
give bit-equal marks under equal hashes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final

from trading_stack.defects import Defect
from trading_stack.instruments import COINS, INSTRUMENTS, SCALE, YEAR_NS, Instrument
from trading_stack.market.basis_window import BasisWindow, Sums
from trading_stack.market.chain import Chain, PricedChain
from trading_stack.market.marks import clamped_basis, clamped_float_basis
from trading_stack.market.messages import Frame, SurfaceTick
from trading_stack.market.robust_index import mean_index, robust_index
from trading_stack.market.valuation import Mark, Valuation, inputs_hash

LEAST_SAMPLES: Final = 600  # four fifths of the window: below it, a moving average is still warming up
_DAYS_360_NS: Final = 360 * 24 * 3600 * 10**9
_PUT_OFFSET: Final = 1e-9


class Pricer:
    """Prices all instruments. `market_time_ns` is asked for by a planted defect alone."""

    def __init__(
        self, *, defects: Collection[Defect] = (), market_time_ns: Callable[[], int] = lambda: 0
    ) -> None:
        self._defects = frozenset(defects)
        self._market_time_ns = market_time_ns
        self.linear = tuple(terms for terms in INSTRUMENTS.values() if not terms.is_option)
        wrong_year = Defect.WRONG_DAY_COUNT in self._defects
        self.chain = Chain(tuple(INSTRUMENTS.values()), year_ns=_DAYS_360_NS if wrong_year else YEAR_NS)
        self._index = mean_index if Defect.CONSTITUENT_NOT_EXCLUDED in self._defects else robust_index
        self._window = BasisWindow([0] * len(self.linear))
        self._drifting = (
            BasisWindow([0.0] * len(self.linear)) if Defect.FLOAT_DRIFT in self._defects else None
        )
        self._judged: SurfaceTick | None = None
        self._sound = False
        self._first_surface: SurfaceTick | None = None

    @property
    def samples(self) -> int:
        """How many ticks the moving averages hold."""
        return self._window.sums().samples

    def learn(self, frames: Sequence[Frame]) -> None:
        """Take frames, new or corrected, into the moving averages."""
        for frame in frames:
            sample = self._sample(frame)
            self._window.put(frame.sequence, sample)
            if self._drifting is not None:
                self._drifting.put(frame.sequence, sample and [value / SCALE for value in sample])

    def value(self, frame: Frame, surface: SurfaceTick | None) -> Valuation | None:
        """The valuation at the newest frame learned; None while an index or the moving averages are not there.

        Without a surface, or with one that admits arbitrage, the options are left out.
        """
        indices = self._indices(frame)
        sums = self._window.sums()
        if indices is None or sums.samples < LEAST_SAMPLES:
            return None
        used = surface if surface is not None and self._is_sound(surface, frame.event_ns) else None
        identity = inputs_hash(frame, used, sums)
        valuation_ns = frame.event_ns
        if Defect.LOCAL_VALUATION_CLOCK in self._defects:
            valuation_ns = self._market_time_ns()
        marks = self._linear_marks(indices, sums, valuation_ns)
        priced = None
        if used is not None:
            priced = self._price_chain(marks, self._surface_to_use(used), valuation_ns)
            marks += self._option_marks(priced, indices)
        return Valuation(frame.sequence, valuation_ns, identity, tuple(marks), priced)

    def _indices(self, frame: Frame) -> dict[str, int] | None:
        """Each coin's index, in 1e-8 USD; None when one can't be told."""
        indices = {}
        for coin in COINS:
            of_coin = [price for name, price in frame.constituents.items() if name.startswith(coin + ".")]
            index = self._index(of_coin)
            if index is None:
                return None
            indices[coin] = index
        return indices

    def _sample(self, frame: Frame) -> list[int] | None:
        indices = self._indices(frame)
        mids = [frame.mids.get(terms.name, 0) for terms in self.linear]
        if indices is None or min(mids) <= 0:
            return None
        return [mid - indices[terms.underlying] for mid, terms in zip(mids, self.linear, strict=True)]

    def _linear_marks(self, indices: dict[str, int], sums: Sums[int], valuation_ns: int) -> list[Mark]:
        bases = [
            clamped_basis(total, sums.samples, indices[terms.underlying]) / SCALE
            for total, terms in zip(sums.totals, self.linear, strict=True)
        ]
        if self._drifting is not None:
            totals, count = self._drifting.sums()
            bases = [
                clamped_float_basis(total / count, indices[terms.underlying])
                for total, terms in zip(totals, self.linear, strict=True)
            ]
        return [
            _linear_mark(terms, indices[terms.underlying] / SCALE, basis, valuation_ns)
            for terms, basis in zip(self.linear, bases, strict=True)
        ]

    def _price_chain(self, marks: list[Mark], surface: SurfaceTick, valuation_ns: int) -> PricedChain:
        priced = self.chain.price(
            {mark.instrument: mark.mark for mark in marks}, surface.surface, valuation_ns
        )
        if Defect.PUT_PRICE_OFFSET in self._defects:
            priced.prices[self.chain.signs < 0] += _PUT_OFFSET
        return priced

    def _option_marks(self, priced: PricedChain, indices: dict[str, int]) -> list[Mark]:
        columns = (
            priced.prices,
            priced.forwards,
            self.chain.strikes,
            priced.volatilities,
            priced.expiry_years,
        )
        rows = zip(self.chain.options, *(column.tolist() for column in columns), strict=True)
        return [
            Mark(terms.name, terms.kind, mark, indices[terms.underlying] / SCALE, *inputs)
            for terms, mark, *inputs in rows
        ]

    def _is_sound(self, surface: SurfaceTick, valuation_ns: int) -> bool:
        """Whether a surface is free of arbitrage; judged once each."""
        if surface != self._judged:
            self._judged = surface
            self._sound = not surface.surface.arbitrage(self.chain.expiries_years(valuation_ns))
        return self._sound

    def _surface_to_use(self, surface: SurfaceTick) -> SurfaceTick:
        if Defect.STALE_SURFACE not in self._defects:
            return surface
        self._first_surface = self._first_surface or surface
        return self._first_surface


def _linear_mark(terms: Instrument, index: float, basis: float, valuation_ns: int) -> Mark:
    years = None if terms.expiry_ns is None else (terms.expiry_ns - valuation_ns) / YEAR_NS
    return Mark(terms.name, terms.kind, index + basis, index, expiry_years=years, basis=basis)
