"""Results for people in pull requests and chats: Markdown, short."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness.history.folder import write_atomically
from harness.model.outcome import Outcome
from harness.model.units import counted
from harness.report.failovers import Failovers
from harness.report.page import Page, format_figure
from harness.report.repeats import Repeats
from harness.report.repeats_told import (
    KEY,
    between_text,
    counts_text,
    failures_text,
    judged_text,
    retried_text,
    time_text,
    worse_text,
)
from harness.report.suite import Suite

_SIGN = {Outcome.PASS: "✅", Outcome.FAIL: "❌", Outcome.UNKNOWN: "❓", Outcome.NOT_RUN: "⏭️"}


def run_markdown(page: Page) -> str:
    """One run: its headline, what to do next, a table of its checks, and the figures. `|` in texts is escaped."""
    outcome = page.judgement.outcome
    lines = [
        f"# {_SIGN[outcome]} {_cell(page.title)}: {outcome}",
        "",
        _cell(page.summary),
        "",
        *([f"Planted on purpose: the defect `{page.run.meta.defect}`.", ""] if page.run.meta.defect else []),
        f"**{_cell(page.headline)}**",
        "",
    ]
    if page.advice is not None:
        what, reproduce, judge = page.advice.lines()
        lines += [f"- {_cell(what)}", f"- `{reproduce}`", f"- `{judge}`", ""]
    lines += ["| check | result | what |", "|---|---|---|"]
    lines += [
        f"| {item.check} | {_SIGN[item.outcome]} {item.outcome} | {_cell(item.summary)} |"
        for item in page.verdicts
    ]
    if page.phases:
        lines += [
            "",
            "Failover: " + ", ".join(f"{item.name} {item.length_ms:.1f} ms" for item in page.phases) + ".",
        ]
    for verdict in page.verdicts:
        if verdict.figures:
            shown = "; ".join(
                f"{item.name.replace('_', ' ')} {format_figure(item)}"
                + (f", {item.note}" if item.note else "")
                for item in verdict.figures
            )
            lines += ["", f"{verdict.check}: {_cell(shown)}."]
    return "\n".join(lines) + "\n"


def suite_markdown(suite: Suite) -> str:
    """A suite: what needs attention first, then what repeated runs come to, then one line a run."""
    counts = f"{counted(len(suite.rows), 'run')}: {counts_text(suite.counts)}"
    retried = f"; {counted(suite.retried, 'attempt')} retried" if suite.retried else ""
    lines = [f"# {_SIGN[suite.outcome]} {counts}{retried}", ""]
    for row in suite.rows:
        if row.advice is not None:
            what, reproduce, judge = row.advice.lines()
            lines += [
                f"- **{_cell(row.name)}** {row.outcome}: {_cell(what)}",
                f"  - `{reproduce}`",
                f"  - `{judge}`",
            ]
    lines += [*_repeats(suite.repeats), "", "| scenario | result | failover | |", "|---|---|---|---|"]
    for row in suite.rows:
        time = time_text(row.failover_ms)
        headline = " ".join(filter(None, (row.headline, retried_text(row.retried))))
        lines.append(
            f"| {_cell(row.name)} | {_SIGN[row.outcome]} {row.outcome} | {time} | {_cell(headline)} |"
        )
    return "\n".join(lines) + "\n"


def _repeats(repeats: Iterable[Repeats]) -> list[str]:
    rows = [
        f"| {_cell(_named(one))} | {_SIGN[one.outcome]} {judged_text(one)}: {counts_text(one.counts)} "
        f"| {failures_text(one)} | {' | '.join(_times(one.failovers))} |"
        for one in repeats
    ]
    if not rows:
        return []
    head = "| repeated | judged | failed | median failover time | worst failover time |"
    return ["", head, "|---|---|---|---|---|", *rows, "", KEY]


def _named(one: Repeats) -> str:
    retried = retried_text(one.retried)
    return f"{one.name} ({retried})" if retried else one.name


def _times(times: Failovers | None) -> tuple[str, str]:
    if times is None:
        return "", ""
    number = f"n = {len(times.times_ms):,}" + (f", {times.unjudged:,} unjudged" if times.unjudged else "")
    if not times.times_ms:
        return number, ""
    told = ", ".join(filter(None, (between_text(times), number)))
    return f"{time_text(times.median_ms)} ({told})", f"{time_text(times.worst_ms)}, {worse_text(times)}"


def write_markdown(text: str, path: Path) -> None:
    """Write a Markdown file, whole or not at all."""
    write_atomically(path, text.encode())


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
