"""The live timeline: a line that moves on a terminal, plain lines elsewhere, nothing twice."""

from __future__ import annotations

import io
import sys
from pathlib import Path

from rich.console import Console

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))
from literal_run import literal_events

from harness.cli.live import LiveTimeline


def heard(*, terminal: bool) -> str:
    file = io.StringIO()
    timeline = LiveTimeline(Console(file=file, force_terminal=terminal, width=60), "outage")
    for number, event in enumerate(literal_events(), start=1):
        timeline(number, event)
    timeline.close()
    timeline.close()
    return file.getvalue()


def test_elsewhere_lines_are_plain_whole_and_told_once() -> None:
    said = heard(terminal=False)
    assert "\x1b" not in said
    lines = said.splitlines()
    assert len(lines) == len(set(lines)) == 9
    assert "   2.001s  fault outage strikes (provider_outage; last effect 1 ms after the first)" in lines
    assert [line for line in lines if "leads" in line] == ["   2.270s    engine-bravo leads (epoch 2)"]


def test_on_a_terminal_a_line_shows_the_phase_and_goes_away() -> None:
    said = heard(terminal=True)
    assert "outage: " in said
    assert said.rstrip().endswith("\x1b[2K") or "\x1b[?25h" in said
    assert said.count("orders begin to flow") == 1
