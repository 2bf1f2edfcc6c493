"""Results for people in pull requests and chats: Markdown, short."""

from __future__ import annotations

from pathlib import Path

from harness.history.folder import write_atomically
from harness.model.outcome import Outcome
from harness.model.units import counted
from harness.report.page import Page, format_figure
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
                f"{item.name.replace('_', ' ')} {format_figure(item)}" for item in verdict.figures
            )
            lines += ["", f"{verdict.check}: {_cell(shown)}."]
    return "\n".join(lines) + "\n"


def suite_markdown(suite: Suite) -> str:
    """A suite: what needs attention first, then one line a run."""
    counts = ", ".join(f"{count} {outcome}" for outcome, count in suite.counts.items() if count)
    lines = [f"# {_SIGN[suite.outcome]} {counted(len(suite.rows), 'run')}: {counts}", ""]
    for row in suite.rows:
        if row.advice is not None:
            what, reproduce, judge = row.advice.lines()
            lines += [
                f"- **{_cell(row.name)}** {row.outcome}: {_cell(what)}",
                f"  - `{reproduce}`",
                f"  - `{judge}`",
            ]
    lines += ["", "| scenario | result | failover | |", "|---|---|---|---|"]
    for row in suite.rows:
        time = "" if row.failover_ms is None else f"{row.failover_ms:.0f} ms"
        lines.append(
            f"| {_cell(row.name)} | {_SIGN[row.outcome]} {row.outcome} | {time} | {_cell(row.headline)} |"
        )
    return "\n".join(lines) + "\n"


def write_markdown(text: str, path: Path) -> None:
    """Write a Markdown file, whole or not at all."""
    write_atomically(path, text.encode())


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
