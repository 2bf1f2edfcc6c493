"""Prices of inverse options by an independent route: the symmetry of Black-76, not the formula that a desk would use.

A call on F struck at K, paid in coin, is worth K puts on 1/F struck at 1/K with the same volatility, and a put K calls:
measured in coin, the dollar is the asset whose price is 1/F. The normal distribution comes from W. J. Cody's rational
approximations of the error function (Math. Comp. 23, 1969), so that nothing is shared with a stack under test, not even
the library behind it. Relative errors are below 1e-15 before cancellation.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]

_SMALL: Final = (
    (3.16112374387056560e00, 1.13864154151050156e02, 3.77485237685302021e02, 3.20937758913846947e03),
    1.85777706184603153e-1,
    (2.36012909523441209e01, 2.44024637934444173e02, 1.28261652607737228e03, 2.84423683343917062e03),
)
_MIDDLE: Final = (
    (
        5.64188496988670089e-1,
        8.88314979438837594e00,
        6.61191906371416295e01,
        2.98635138197400131e02,
        8.81952221241769090e02,
        1.71204761263407058e03,
        2.05107837782607147e03,
        1.23033935479799725e03,
    ),
    2.15311535474403846e-8,
    (
        1.57449261107098347e01,
        1.17693950891312499e02,
        5.37181101862009858e02,
        1.62138957456669019e03,
        3.29079923573345963e03,
        4.36261909014324716e03,
        3.43936767414372164e03,
        1.23033935480374942e03,
    ),
)
_LARGE: Final = (
    (
        3.05326634961232344e-1,
        3.60344899949804439e-1,
        1.25781726111229246e-1,
        1.60837851487422766e-2,
        6.58749161529837803e-4,
    ),
    1.63153871373020978e-2,
    (
        2.56852019228982242e00,
        1.87295284992346725e00,
        5.27905102951428412e-1,
        6.05183413124413191e-2,
        2.33520497626869185e-3,
    ),
)
_INVERSE_ROOT_PI: Final = 0.5641895835477562869


def erfc(x: Floats) -> Floats:
    """The complementary error function of each element, by Cody's three ranges."""
    y = np.abs(x)
    result = np.empty_like(y)
    small = y <= 0.46875
    large = y > 4.0
    middle = ~small & ~large
    result[small] = 1.0 - y[small] * _ratio(_SMALL, y[small] ** 2)
    result[middle] = _scaled(y[middle]) * _ratio(_MIDDLE, y[middle])
    far = y[large]
    inverse = 1.0 / far**2
    result[large] = _scaled(far) * (_INVERSE_ROOT_PI - inverse * _ratio(_LARGE, inverse)) / far
    return np.where(x < 0, 2.0 - result, result)


def normal_cdf(x: Floats) -> Floats:
    """The distribution function of the standard normal at each element, accurate in both tails."""
    return 0.5 * erfc(-x / np.sqrt(2.0))


def inverse_price(
    forward: Floats, strike: Floats, deviation: Floats, *, calls: npt.NDArray[np.bool_]
) -> Floats:
    """The price in coin of options, by the symmetry described above; arrays of one length, one element an option.

    `forward` and `strike` are USD, both above zero; `deviation` is σ√T of the whole time, above zero.
    """
    dollar, mirrored = 1.0 / forward, 1.0 / strike
    sign = np.where(calls, -1.0, 1.0)  # a call is K puts on the dollar, a put K calls
    d1 = np.log(dollar / mirrored) / deviation + deviation / 2.0
    d2 = d1 - deviation
    return strike * sign * (dollar * normal_cdf(sign * d1) - mirrored * normal_cdf(sign * d2))


def intrinsic(forward: Floats, strike: Floats, *, calls: npt.NDArray[np.bool_]) -> Floats:
    """The least price in coin that admits no arbitrage (DOMAIN P3): max(1 - K/F, 0) of a call, max(K/F - 1, 0) of a put.

    Arrays of one length; `forward` and `strike` in one unit.
    """
    ratio = strike / forward
    return np.maximum(np.where(calls, 1.0 - ratio, ratio - 1.0), 0.0)


def _ratio(table: tuple[tuple[float, ...], float, tuple[float, ...]], x: Floats) -> Floats:
    """A quotient of polynomials in Cody's arrangement of coefficients."""
    above, leading, below = table
    numerator, denominator = leading * x, x.copy()
    for a, b in zip(above[:-1], below[:-1], strict=True):
        numerator = (numerator + a) * x
        denominator = (denominator + b) * x
    result: Floats = (numerator + above[-1]) / (denominator + below[-1])
    return result


def _scaled(y: Floats) -> Floats:
    """exp(-y²), split so that the square loses no digits."""
    coarse = np.trunc(y * 16.0) / 16.0
    result: Floats = np.exp(-coarse * coarse) * np.exp(-(y - coarse) * (y + coarse))
    return result
