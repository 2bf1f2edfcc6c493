"""Runs on a fake bench."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from fake_bench import CANNED, FakeBench, Runner
from scripted import entry, scenario
from three_providers import three_providers

from harness.engine import run as run_module
from harness.engine.finished import Finished
from harness.engine.run import run_scenario
from harness.engine.setup import Setup
from harness.model.judgement import Judgement


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Runner:
    """Runs a scenario on a fake bench: keyword arguments say what happens at which step, and `out` where runs are kept."""
    monkeypatch.setattr(run_module, "bench_for", FakeBench)
    monkeypatch.setattr(FakeBench, "trouble", "")

    def run(
        judgement: Judgement | None = None, *, out: Path = tmp_path, **at: Callable[[], object]
    ) -> Finished:
        monkeypatch.setattr(FakeBench, "at", at)
        if judgement is not None:
            monkeypatch.setattr(run_module, "judge_all", lambda *_: judgement)
        played = scenario(entry("slow", at_s=2, lasts_s=1), ends_s=4)
        return run_scenario(Setup(played, three_providers(), CANNED, out))  # type: ignore[arg-type]

    return run
