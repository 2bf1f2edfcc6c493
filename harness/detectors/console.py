"""Curves for a terminal, as plain lines."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.detectors.curve import Curve, Point
from harness.detectors.table import budgets, offers, told_budget
from harness.detectors.verdict import overall, told_deaths, told_rate, told_time, verdict_line
from harness.model.units import counted


def print_curves(curves: Sequence[Curve], console: Console, *, every_setting: bool) -> None:
    """Each trace: what it is, where the shipped setting stands, and what each kind costs; then all traces together."""
    for curve in curves:
        console.print(Text(headline(curve), "bold"), soft_wrap=True)
        if curve.shipped is not None:
            console.print(Text(f"  {verdict_line(curve)}"), soft_wrap=True)
        console.print(_settings(curve) if every_setting else _costs(curve))
        console.print()
    if curves and curves[0].shipped is not None:
        console.print(Text(overall(curves), "bold"), soft_wrap=True)


def headline(curve: Curve) -> str:
    """A trace in one line, with its sample sizes."""
    trace = curve.trace
    return (
        f"{trace.name}: {trace.told}; {counted(trace.heartbeats, 'heartbeat')} over {curve.hours:.3g} h, "
        f"{told_deaths(curve)}"
    )


def told_cost(point: Point | None) -> str:
    """A setting with its times of detection: `220ms: 213 / 244 ms`."""
    if point is None:
        return "no setting"
    return f"{str(point.choice).partition(':')[2]}: {told_time(point.median_ns)}, {told_time(point.worst_ns)}"


def _costs(curve: Curve) -> Table:
    table = _plain_table("  setting: T_D median, worst", *(told_budget(budget) for budget in budgets(curve)))
    for offer in offers(curve):
        table.add_row(f"  {offer.kind.title}", *(told_cost(point) for point in offer.points))
    return table


def _settings(curve: Curve) -> Table:
    table = _plain_table("  detector", "T_D median", "T_D worst", "mistakes", "an hour", "accuracy", "front")
    front = set(map(id, curve.front))
    for point in curve.points:
        table.add_row(
            f"  {point.choice}",
            told_time(point.median_ns),
            told_time(point.worst_ns),
            f"{point.quality.mistakes:,}",
            told_rate(point),
            f"{point.quality.accuracy * 100:.6g} %",
            "front" if id(point) in front else "",
        )
    return table


def _plain_table(*heads: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim")
    for head in heads:
        table.add_column(Text(head))
    return table
