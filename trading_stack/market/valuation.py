"""One valuation: all marks from one set of inputs, and the hash that says which inputs those were."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import msgspec

from trading_stack.instruments import Kind
from trading_stack.market.basis_window import Sums
from trading_stack.market.chain import PricedChain
from trading_stack.market.messages import Frame, SurfaceTick

MODEL_VERSION: Final = "inverse-black76-ssvi-1"
HASH_BYTES: Final = 16

_canonical = msgspec.msgpack.Encoder(order="deterministic").encode


class Mark(msgspec.Struct, frozen=True, gc=False):
    """The mark of one instrument with what it was made of: USD for perpetuals and futures, coin for options."""

    instrument: str
    kind: Kind
    mark: float
    index: float
    forward: float | None = None
    strike: float | None = None
    volatility: float | None = None
    expiry_years: float | None = None
    basis: float | None = None


@dataclass(frozen=True, slots=True)
class Valuation:
    """The marks of one moment; `chain` is None while there is no usable surface."""

    source_sequence: int
    valuation_ns: int
    inputs_hash: str
    marks: tuple[Mark, ...]
    chain: PricedChain | None


def inputs_hash(frame: Frame, surface: SurfaceTick | None, sums: Sums[int]) -> str:
    """The BLAKE2b of everything that a valuation depends on, in canonical msgpack.

    That is the frame, the surface (None when it is not used) and the moving averages' exact sums and count. The
    instruments' terms and the formulas belong to the model version.
    """
    data = _canonical((MODEL_VERSION, frame, surface, sums.totals, sums.samples))
    return hashlib.blake2b(data, digest_size=HASH_BYTES).hexdigest()
