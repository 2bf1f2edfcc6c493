"""The volatility surface: SSVI over expiries, raw SVI for one expiry, and the conditions that exclude arbitrage.

Total variance at log-moneyness k = ln(K/F) is, after Gatheral and Jacquier (2014, "Arbitrage-free SVI volatility
surfaces"), `ω(k,θ) = θ/2 (1 + ρφk + sqrt((φk+ρ)² + 1−ρ²))`, with θ(T) the total variance at the money and the power law
`φ(θ) = η / (θ^γ (1+θ)^(1−γ))`. Here θ(T) is the mean of a variance that reverts from `variance_now` to
`variance_far` at the rate `reversion`, so that it grows with T whatever the parameters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from trading_stack.market.black76 import Floats, each

TOLERANCE: Final = 1e-10
_MONEYNESS: Final = np.linspace(-1.5, 1.5, 61)  # strikes from a fifth to four and a half times the forward


@dataclass(frozen=True, slots=True)
class RawSvi:
    """One expiry's total variance, `ω(k) = a + b (ρ(k−m) + sqrt((k−m)² + σ²))`."""

    a: float
    b: float
    rho: float
    m: float
    sigma: float

    def total_variance(self, k: Floats) -> Floats:
        """ω at log-moneyness k."""
        x = k - self.m
        variance: Floats = self.a + self.b * (self.rho * x + np.sqrt(x * x + self.sigma**2))
        return variance

    def durrleman(self, k: Floats) -> Floats:
        """`g(k) = (1 − kω'/2ω)² − (ω'²/4)(1/ω + ¼) + ω''/2`: negative where a butterfly costs less than nothing."""
        x = k - self.m
        root = np.sqrt(x * x + self.sigma**2)
        w = self.total_variance(k)
        first = self.b * (self.rho + x / root)
        second = self.b * self.sigma**2 / root**3
        density: Floats = (1 - k * first / (2 * w)) ** 2 - first**2 / 4 * (1 / w + 0.25) + second / 2
        return density

    def admits_butterfly(self, k: Floats = _MONEYNESS) -> bool:
        """Whether the density is negative somewhere on the grid `k`, or the parameters are out of their bounds."""
        bounds = self.b >= 0 and abs(self.rho) < 1 and self.sigma > 0 and self.b * (1 + abs(self.rho)) <= 2
        if not bounds or bool(np.any(self.total_variance(k) <= 0)):
            return True
        return not bool(np.all(self.durrleman(k) >= -TOLERANCE))


@dataclass(frozen=True, slots=True)
class Ssvi:
    """A surface over all expiries. Variances are a year's, `reversion` is per year."""

    variance_now: float
    variance_far: float
    reversion: float
    rho: float
    eta: float
    gamma: float

    def theta(self, expiry_years: Floats) -> Floats:
        """Total variance at the money."""
        decayed = -each(math.expm1, -self.reversion * expiry_years) / self.reversion
        total: Floats = self.variance_far * expiry_years + (self.variance_now - self.variance_far) * decayed
        return total

    def phi(self, theta: Floats) -> Floats:
        """The curvature, falling with total variance."""
        risen = each(lambda total: total**self.gamma * (1 + total) ** (1 - self.gamma), theta)
        curvature: Floats = self.eta / risen
        return curvature

    def total_variance(self, k: Floats, theta: Floats) -> Floats:
        """ω at log-moneyness k for expiries of at-the-money total variance θ."""
        bent = self.phi(theta) * k
        inner = 1 + self.rho * bent + np.sqrt((bent + self.rho) ** 2 + 1 - self.rho**2)
        variance: Floats = theta / 2 * inner
        return variance

    def slice_at(self, expiry_years: float) -> RawSvi:
        """The same variance at one expiry, written as raw SVI (Gatheral and Jacquier, equation 4.2)."""
        theta = self.theta(np.array([expiry_years]))
        total, phi = float(theta[0]), float(self.phi(theta)[0])
        rest = 1 - self.rho**2
        return RawSvi(total / 2 * rest, total * phi / 2, self.rho, -self.rho / phi, math.sqrt(rest) / phi)

    def arbitrage(self, expiries_years: Sequence[float]) -> list[str]:
        """What is wrong with the surface at these expiries, in words; empty when it is free of static arbitrage.

        The conditions are those of Gatheral and Jacquier's theorems 4.1 and 4.2, and Durrleman's on each slice.
        """
        broken = self._out_of_bounds()
        if broken:
            return broken
        years = np.sort(np.asarray(expiries_years, dtype=np.float64))
        theta = self.theta(years)
        if not bool(np.all(theta > 0)):
            return ["the total variance at the money is not positive"]
        broken = self._slopes(years, theta)
        for expiry in years.tolist():
            if self.slice_at(expiry).admits_butterfly():
                broken.append(f"a butterfly at {expiry:.4f} years has a negative price")
        return broken

    def _out_of_bounds(self) -> list[str]:
        values = (self.variance_now, self.variance_far, self.reversion, self.eta)
        if not all(math.isfinite(value) and value > 0 for value in values):
            return ["variances, reversion and eta must be positive and finite"]
        if not (abs(self.rho) < 1 and 0 < self.gamma < 1):
            return ["rho must be inside (-1, 1) and gamma inside (0, 1)"]
        return []

    def _slopes(self, years: Floats, theta: Floats) -> list[str]:
        phi, steep = self.phi(theta), 1 + abs(self.rho)
        growth = phi * (1 - self.gamma) / (1 + theta)  # d(θφ)/dθ of the power law
        limit = np.inf if self.rho == 0 else phi * (1 + math.sqrt(1 - self.rho**2)) / self.rho**2
        reverted = np.exp(-self.reversion * years)
        slope = self.variance_far + (self.variance_now - self.variance_far) * reverted
        conditions = {
            "θφ(1+|ρ|) < 4": np.all(theta * phi * steep < 4 + TOLERANCE),
            "θφ²(1+|ρ|) <= 4": np.all(theta * phi**2 * steep <= 4 + TOLERANCE),
            "dθ/dT >= 0": np.all(slope >= -TOLERANCE),
            "0 <= d(θφ)/dθ <= φ(1+√(1-ρ²))/ρ²": np.all(
                (growth >= -TOLERANCE) & (growth <= limit + TOLERANCE)
            ),
        }
        return [f"{name} does not hold" for name, holds in conditions.items() if not bool(holds)]
