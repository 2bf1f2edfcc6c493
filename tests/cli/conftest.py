"""An empty directory with a stack and a scenario, and a command line in it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command_line import SCENARIO, STACK, CommandLine


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_STATE_DIR", str(tmp_path / "state"))
    for name in ("HARNESS_STACK", "HARNESS_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "docker-compose.yml").write_text(STACK)
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "outage.yaml").write_text(SCENARIO)
    return tmp_path


@pytest.fixture
def harness(project: Path, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capsys)
