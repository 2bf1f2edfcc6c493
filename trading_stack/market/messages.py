"""What sources, feed handlers and pricing services say to each other.

Prices are integers of 1e-8 USD. Times named `event_ns` are market time (see `trading_stack.instruments`), stamped by
the source. Each channel of a source has its own sequence; sequence n of a channel means the same moment at every
source.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, TypeAlias

import msgspec

from trading_stack.market.surface import Ssvi


class Channel(StrEnum):
    """The streams of one source."""

    PRICES = "prices"
    SURFACE = "surface"


class PriceTick(msgspec.Struct, frozen=True, tag="prices", gc=False):
    """One moment of one source: its own index constituents, and the mids of perpetuals and futures."""

    sequence: int
    event_ns: int
    constituents: dict[str, int]
    mids: dict[str, int]


class SurfaceTick(msgspec.Struct, frozen=True, tag="surface", gc=False):
    """The volatility surface from this moment on."""

    sequence: int
    event_ns: int
    surface: Ssvi


Tick: TypeAlias = PriceTick | SurfaceTick


class Subscribe(msgspec.Struct, frozen=True, tag="subscribe"):
    """Asks a source for everything: first what happened after each channel's sequence, then what happens."""

    prices_after: int
    surface_after: int


class Resend(msgspec.Struct, frozen=True, tag="resend"):
    """Asks a source for the ticks of one channel from `first` to `last`, both included."""

    channel: Channel
    first: int
    last: int


class Missed(msgspec.Struct, frozen=True, tag="missed"):
    """Ticks of the past, in order: the answer to `Subscribe` and to `Resend`."""

    prices: list[PriceTick] = []
    surfaces: list[SurfaceTick] = []


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One moment of the market, merged from all sources that told of it; sent again when a late source completes it."""

    sequence: int
    event_ns: int
    constituents: dict[str, int]
    mids: dict[str, int]


class Follow(msgspec.Struct, frozen=True, tag="follow"):
    """Asks a feed handler or a pricing service for its stream."""


class Past(msgspec.Struct, frozen=True, tag="past"):
    """Frames that happened before, for moving averages; never to be priced."""

    frames: list[Frame]


class Live(msgspec.Struct, frozen=True, tag="live"):
    """Frames that have just happened, the newest last, and the surface that holds at the newest.

    The ages are those of the newest frame's oldest input and of the surface, on the feed's monotonic clock since
    their sequences last advanced. A feed repeats its last message while nothing new comes, to show that it lives.
    """

    frames: list[Frame]
    surface: SurfaceTick | None
    prices_age_ns: int
    surface_age_ns: int


class MarksFrame(msgspec.Struct, frozen=True, tag="marks"):
    """The marks of one valuation: integers of 1e-8 of each instrument's quote unit, rounded half to even.

    `valuation_ns` is market time, `source_sequence` that of the newest source event used. The ages count up to when
    this was sent, on the pricing service's monotonic clock since each input's sequence last advanced; whoever holds
    a frame adds the time since it arrived. Without a usable surface there are no options among the `prices`.
    """

    prices: dict[str, int]
    source_sequence: int
    valuation_ns: int
    index_age_ns: int
    surface_age_ns: int
    inputs_hash: str


FRAME_CHUNK: Final = 250  # frames in one `Past` message: some 80 KB

FromSource: TypeAlias = PriceTick | SurfaceTick | Missed
ToSource: TypeAlias = Subscribe | Resend
FromFeed: TypeAlias = Past | Live
