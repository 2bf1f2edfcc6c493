"""Inverse (coin-settled) Black-76: prices, Greeks and implied volatility, a whole chain in one pass.

With F the forward, K the strike, s the volatility, T the years to expiry and w = +1 for a call, −1 for a put:
`d1 = (ln(F/K) + s²T/2) / (s√T)`, `d2 = d1 − s√T` and, in coin, `V = w (N(w d1) − (K/F) N(w d2))`: the undiscounted
Black (1976) price over F, because the coin's own rate is 0.

All functions are element-wise over arrays that broadcast together. What prices are made of goes through the C library,
element by element: NumPy's logarithms and powers differ in the last bit from one kind of processor to the next, and marks
of one set of inputs must not. NumPy has no erf, either; the library's is good to about one unit in the last place also in
the tails. For a chain of some tens of options the loops cost a few microseconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]

_ROOT_HALF: Final = math.sqrt(0.5)
_ROOT_TWO_PI: Final = math.sqrt(2.0 * math.pi)
_NEWTON_STEPS: Final = 200


class BelowIntrinsic(ValueError):
    """A price that no volatility gives: below the intrinsic value, or at or above the price's upper bound."""


@dataclass(frozen=True, slots=True)
class Greeks:
    """Sensitivities of coin prices: to F (`delta`, `gamma`), to one unit of volatility, and to one year that passes.

    `net_transaction_delta` is the hedge in coin a coin of options, `w (K/F) N(w d2)`: F times `delta`.
    """

    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats
    net_transaction_delta: Floats


def each(function: Callable[[float], float], values: Floats) -> Floats:
    """A function of the C library, element by element: the same bits whatever the processor's vector instructions.

    Not quite whatever the processor: the GNU library's last bit depends on whether there is a fused multiply-add.
    """
    results = [function(value) for value in values.ravel().tolist()]
    return np.array(results, dtype=np.float64).reshape(values.shape)


def normal_cdf(x: ArrayLike) -> Floats:
    """The standard normal distribution function, `erfc(−x/√2)/2`."""
    tails: Floats = 0.5 * each(math.erfc, -_ROOT_HALF * np.asarray(x, dtype=np.float64))
    return tails


def normal_density(x: Floats) -> Floats:
    """The standard normal density."""
    density: Floats = np.exp(-0.5 * x * x) / _ROOT_TWO_PI
    return density


def price(forward: ArrayLike, strike: ArrayLike, deviation: ArrayLike, sign: ArrayLike) -> Floats:
    """Prices in coin; `deviation` is s√T, the square root of the total variance, and `sign` +1 for a call, −1 for a put.

    At deviation 0 the price is the intrinsic value.
    """
    f, k, s, w = _arrays(forward, strike, deviation, sign)
    d1, d2 = _arguments(f, k, s)
    value: Floats = w * (normal_cdf(w * d1) - (k / f) * normal_cdf(w * d2))
    return value


def greeks(
    forward: ArrayLike, strike: ArrayLike, volatility: ArrayLike, expiry_years: ArrayLike, sign: ArrayLike
) -> Greeks:
    """Sensitivities in coin. Needs a positive volatility and a positive time to expiry."""
    f, k, v, t = _arrays(forward, strike, volatility, expiry_years)
    w = np.asarray(sign, dtype=np.float64)
    root = np.sqrt(t)
    d1, d2 = _arguments(f, k, v * root)
    exercised = w * normal_cdf(w * d2)
    density = normal_density(d1)
    return Greeks(
        delta=k * exercised / f**2,
        gamma=-2.0 * k * exercised / f**3 + k * normal_density(d2) / (f**3 * v * root),
        vega=density * root,
        theta=-density * v / (2.0 * root),
        net_transaction_delta=k / f * exercised,
    )


def implied_volatility(
    prices: ArrayLike, forward: ArrayLike, strike: ArrayLike, expiry_years: ArrayLike, sign: ArrayLike
) -> Floats:
    """The volatilities that give `prices`; raises `BelowIntrinsic` where there is none.

    Newton's method on the out-of-the-money side, started at the price's inflection point `s√T = √(2|ln(F/K)|)`, from
    where it converges monotonically (Manaster and Koehler, 1982). A price equal to the intrinsic value gives 0.
    """
    p, f, k, t = _arrays(prices, forward, strike, expiry_years)
    w = np.broadcast_to(np.asarray(sign, dtype=np.float64), p.shape)
    ratio = k / f
    intrinsic = np.maximum(w * (1.0 - ratio), 0.0)
    ceiling = np.where(w > 0, 1.0, ratio)
    wrong = ~((p >= intrinsic) & (p < ceiling))
    if bool(wrong.any()):
        at = int(np.argmax(wrong.ravel()))
        low, high = intrinsic.ravel()[at], ceiling.ravel()[at]
        raise BelowIntrinsic(
            f"no volatility gives the price {p.ravel()[at]!r}: it must be in [{low!r}, {high!r})"
        )
    otm = np.where(ratio >= 1.0, 1.0, -1.0)
    target = p - intrinsic  # by put-call parity: what is left is the price of the out-of-the-money side
    deviation: Floats = _solve(target, f, k, otm)
    volatility: Floats = deviation / np.sqrt(t)
    return volatility


def _solve(target: Floats, f: Floats, k: Floats, w: Floats) -> Floats:
    """The deviations s√T at which out-of-the-money options cost `target`."""
    inflection = np.sqrt(2.0 * np.abs(np.log(f / k)))
    s = np.where(inflection > 1e-8, inflection, np.maximum(target * _ROOT_TWO_PI, 1e-12))
    zero = target <= 0.0
    for _ in range(_NEWTON_STEPS):
        vega = normal_density(_arguments(f, k, s)[0])
        step = np.where(zero | (vega <= 0.0), 0.0, (price(f, k, s, w) - target) / np.maximum(vega, 1e-300))
        following = np.where(s - step > 0.0, s - step, 0.5 * s)
        if bool(np.all(np.abs(following - s) <= 1e-15 * s)):
            break
        s = following
    solved: Floats = np.where(zero, 0.0, s)
    return solved


def _arguments(f: Floats, k: Floats, s: Floats) -> tuple[Floats, Floats]:
    """d1 and d2; at deviation 0 both are ±∞ by the side of the strike, or 0 at the money."""
    log = each(math.log, f / k)
    flat = s <= 0.0
    if bool(flat.any()):
        limit = np.where(log > 0, np.inf, np.where(log < 0, -np.inf, 0.0))
        middle = np.where(flat, limit, log / np.where(flat, 1.0, s))
    else:
        middle = log / s
    return middle + 0.5 * s, middle - 0.5 * s


def _arrays(*values: ArrayLike) -> list[Floats]:
    return [np.asarray(value, dtype=np.float64) for value in np.broadcast_arrays(*values)]
