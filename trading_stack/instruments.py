"""What can be traded: two perpetuals, two dated futures and an option chain, with integer contract terms.

All prices are integers of 1e-8 of the quote unit: USD for perpetuals and futures, coin for options. All
coin amounts are integers of 1e-8 coin. Perpetuals and futures are inverse: a contract is worth 10 USD and
pays in the coin of its underlying. Options are inverse, too: a contract covers 0.1 coin, priced in coin
for one whole coin.

Time in this market starts at `MARKET_EPOCH_NS` for every run: sources stamp their events with times
counted from it and expiries are fixed offsets from it, so that no result depends on today's date.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SCALE: Final = 10**8
MARKET_EPOCH_NS: Final = 1_767_225_600 * 10**9  # 2026-01-01 00:00:00 UTC
YEAR_NS: Final = 365 * 24 * 3600 * 10**9
_DAY_NS: Final = 24 * 3600 * 10**9
_SETTLEMENT_NS: Final = 8 * 3600 * 10**9  # expiries settle at 08:00 UTC

USD_A_CONTRACT: Final = 10
CONTRACTS_A_COIN: Final = 10  # an option contract covers a tenth of a coin

NEAR_NS: Final = MARKET_EPOCH_NS + 29 * _DAY_NS + _SETTLEMENT_NS  # 30JAN26
FAR_NS: Final = MARKET_EPOCH_NS + 85 * _DAY_NS + _SETTLEMENT_NS  # 27MAR26
STRIKES_USD: Final = (40_000, 45_000, 50_000, 55_000, 60_000)


class Kind(StrEnum):
    """The values that a quote's `kind` takes."""

    PERPETUAL = "perpetual"
    FUTURE = "future"
    CALL = "option_call"
    PUT = "option_put"


@dataclass(frozen=True, slots=True)
class Instrument:
    """The terms of one contract.

    `underlying` names the index and the coin that it settles in; `tick` the step of its price. `strike` is
    1e-8 USD and `expiry_ns` market time; both are None where they make no sense. An order's price must lie
    within `band` of the mark: 1e-8 of the mark for perpetuals and futures, 1e-8 coin for options, whose
    small prices make a relative band useless.
    """

    name: str
    kind: Kind
    underlying: str
    tick: int
    band: int
    expiry_ns: int | None = None
    strike: int | None = None

    @property
    def is_option(self) -> bool:
        return self.kind in (Kind.CALL, Kind.PUT)


_RELATIVE_BAND: Final = SCALE // 5
_OPTION_BAND: Final = SCALE // 5
_TICKS: Final = {"BTC": SCALE // 2, "ETH": SCALE // 20}
_OPTION_TICK: Final = SCALE // 2000


def _perpetual(coin: str) -> Instrument:
    return Instrument(f"{coin}-PERPETUAL", Kind.PERPETUAL, coin, _TICKS[coin], _RELATIVE_BAND)


def _future(coin: str, day: str, expiry_ns: int) -> Instrument:
    return Instrument(f"{coin}-{day}", Kind.FUTURE, coin, _TICKS[coin], _RELATIVE_BAND, expiry_ns)


def _chain(coin: str, day: str, expiry_ns: int) -> list[Instrument]:
    return [
        Instrument(
            f"{coin}-{day}-{strike}-{letter}",
            kind,
            coin,
            _OPTION_TICK,
            _OPTION_BAND,
            expiry_ns,
            strike * SCALE,
        )
        for strike in STRIKES_USD
        for letter, kind in (("C", Kind.CALL), ("P", Kind.PUT))
    ]


_LISTED: Final = (
    _perpetual("BTC"),
    _perpetual("ETH"),
    _future("BTC", "30JAN26", NEAR_NS),
    _future("BTC", "27MAR26", FAR_NS),
    *_chain("BTC", "30JAN26", NEAR_NS),
    *_chain("BTC", "27MAR26", FAR_NS),
)

INSTRUMENTS: Final[dict[str, Instrument]] = {instrument.name: instrument for instrument in _LISTED}
COINS: Final = ("BTC", "ETH")
