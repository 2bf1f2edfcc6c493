"""The comparison of runs under other interpreters: what it plays, and which ends of a run it takes for one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import determinism
import pytest


def ends_with(code: int, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    done = subprocess.CompletedProcess[str]([], code, stdout="", stderr="")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    determinism.run_all([], folder / str(code), way=determinism.Way(sys.executable, "1"), seed=1)


@pytest.mark.parametrize("code", [0, 1, 7])
def test_any_verdict_can_be_compared(code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ends_with(code, monkeypatch, tmp_path)


@pytest.mark.parametrize("code", [2, 3, 4, 5, 8, 9, 10])
def test_runs_without_a_verdict_are_refused(
    code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(SystemExit, match=f"exit code {code}"):
        ends_with(code, monkeypatch, tmp_path)


def test_every_scenario_is_compared() -> None:
    folders = {path.parent for path in (determinism.ROOT / "scenarios").rglob("*.yaml")}
    assert set(determinism.SCENARIOS) == folders
