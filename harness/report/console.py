"""Results for a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.model.outcome import Outcome
from harness.model.units import counted
from harness.report.advice import first_line
from harness.report.page import Page, format_figure
from harness.report.repeats_told import counts_text, retried_text, told
from harness.report.suite import Row, Suite

_STYLE = {
    Outcome.PASS: "bold green",
    Outcome.FAIL: "bold red",
    Outcome.UNKNOWN: "bold yellow",
    Outcome.NOT_RUN: "dim",
}


def print_run(page: Page, console: Console) -> None:
    """One run: its verdicts, worst first, the failover's phases, and what to do next."""
    console.print(
        Text.assemble(
            (f"{page.judgement.outcome}", _STYLE[page.judgement.outcome]), f"  {page.title}  {page.headline}"
        ),
        soft_wrap=True,
    )
    _print_verdicts(page, console)
    for verdict in page.verdicts:
        if verdict.check == "failover_time" and verdict.figures:
            console.print(
                Text(
                    "  "
                    + "; ".join(
                        f"{item.name.replace('_', ' ')} {format_figure(item)}" for item in verdict.figures
                    ),
                    "dim",
                ),
                soft_wrap=True,
            )
    if page.phases:
        shown = " → ".join(f"{phase.name} {phase.length_ms:.1f} ms" for phase in page.phases)
        console.print(Text(f"  phases: {shown}", "dim"), soft_wrap=True)
    for reason in page.judgement.reasons:
        console.print(Text(f"  UNKNOWN: {reason}", "yellow"), soft_wrap=True)
    if page.advice is not None:
        told = {first_line(reason) for reason in page.judgement.reasons}
        _print_lines([line for line in page.advice.lines() if line not in told], console)


def print_suite(suite: Suite, console: Console) -> None:
    """Several runs: one line each, what to do about those that did not pass, and what repeated ones come to."""
    table = Table(box=None, padding=(0, 2), show_edge=False)
    table.add_column("result")
    table.add_column("scenario")
    table.add_column("failover", justify="right")
    table.add_column("")
    for row in suite.rows:
        time = "" if row.failover_ms is None else f"{row.failover_ms:.0f} ms"
        table.add_row(Text(str(row.outcome), _STYLE[row.outcome]), Text(row.name), time, Text(_headline(row)))
    if console.is_terminal:
        console.print(table)
    else:
        _print_rows(suite, console)
    for row in suite.rows:
        if row.advice is not None:
            console.print(Text(row.name, _STYLE[row.outcome]))
            _print_lines(row.advice.lines(), console)
    for repeats in suite.repeats:
        console.print(Text(repeats.name, _STYLE[repeats.outcome]), soft_wrap=True)
        _print_lines(told(repeats), console)
    counts = f"{counted(len(suite.rows), 'run')}: {counts_text(suite.counts)}"
    retried = f"{counted(suite.retried, 'attempt')} retried" if suite.retried else ""
    console.print(
        Text("; ".join(filter(None, (counts, retried, suite.stopped))), _STYLE[suite.outcome]), soft_wrap=True
    )


def _print_rows(suite: Suite, console: Console) -> None:
    for row in suite.rows:
        time = "" if row.failover_ms is None else f"{row.failover_ms:.0f} ms  "
        console.print(
            Text.assemble((str(row.outcome), _STYLE[row.outcome]), f"  {row.name}  {time}{_headline(row)}"),
            soft_wrap=True,
        )


def _headline(row: Row) -> str:
    return " ".join(filter(None, (row.headline, retried_text(row.retried))))


def _print_verdicts(page: Page, console: Console) -> None:
    """One line each: folded into columns on a terminal, whole and without padding in a file or a pipe."""
    table = Table.grid(padding=(0, 2))
    for verdict in page.verdicts:
        shown = Text(f"  {verdict.outcome}", _STYLE[verdict.outcome])
        if console.is_terminal:
            table.add_row(shown, verdict.check, Text(page.told(verdict)))
        else:
            console.print(Text.assemble(shown, f"  {verdict.check}  {page.told(verdict)}"), soft_wrap=True)
    if console.is_terminal:
        console.print(table)


def _print_lines(lines: Iterable[str], console: Console) -> None:
    for line in lines:
        console.print(Text(f"  {line}"), soft_wrap=True)
