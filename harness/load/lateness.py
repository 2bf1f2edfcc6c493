"""How late a generator sends: the figure that says whether its load was the load that was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.load.plan import Lateness


def lateness_of(samples_ns: Iterable[int]) -> Lateness:
    """Exact quantiles (nearest rank); early is impossible, so less than nothing counts as nothing."""
    ordered = sorted(max(0, sample) for sample in samples_ns)
    if not ordered:
        return Lateness()
    return Lateness(len(ordered), _quantile(ordered, 50), _quantile(ordered, 99), ordered[-1])


def worst(figures: Iterable[Lateness]) -> Lateness:
    """One figure for several generators: the worst of each quantile, never a mean that hides one of them."""
    known = [figure for figure in figures if figure.samples]
    if not known:
        return Lateness()
    return Lateness(
        sum(figure.samples for figure in known),
        max(figure.p50_ns for figure in known),
        max(figure.p99_ns for figure in known),
        max(figure.max_ns for figure in known),
    )


def _quantile(ordered: Sequence[int], percent: int) -> int:
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
