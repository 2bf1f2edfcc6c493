"""An empty directory with a stack and a scenario, a command line in it, and runs that need no stack."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import pytest
from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))
sys.path.insert(0, str(Path(__file__).parent))
from command_line import SCENARIO, STACK, CommandLine
from literal_run import literal_events, passing

from harness.engine import suite
from harness.engine.finished import Finished, code_of, planned_run
from harness.engine.setup import Setup
from harness.engine.verdict_file import write_verdicts
from harness.history.folder import create_run_folder
from harness.history.journal import JournalWriter
from harness.history.meta import write_meta
from harness.model.judgement import Judgement

Canned: TypeAlias = Judgement | Exception | Callable[[Finished], Finished]


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


@pytest.fixture
def canned(project: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs come to what the test gives, one after another, without a stack; their journal is a literal one.

    A judgement is what came of the run; an error is raised before anything begins; a function changes what came of a PASS.
    """
    left: list[Canned] = []

    def run(setup: Setup, *, observers: tuple[Callable[..., None], ...] = ()) -> Finished:
        what = left.pop(0)
        if isinstance(what, Exception):
            raise what
        judgement = what if isinstance(what, Judgement) else passing()
        finished = _finished(setup, judgement, observers)
        return finished if isinstance(what, Judgement) else what(finished)

    monkeypatch.setattr(suite, "run_scenario", run)
    monkeypatch.setattr(suite, "why_not", lambda scenario, platform: "")
    return lambda *what: left.extend(what)


def _finished(setup: Setup, judgement: Judgement, observers: tuple[Callable[..., None], ...]) -> Finished:
    folder = create_run_folder(setup.out, setup.scenario.id, started=datetime.now(UTC))
    meta = replace(planned_run(setup), run_id=folder.path.name, retry_of=setup.retry_of)
    write_meta(folder, meta)
    journal = JournalWriter(folder.journal)
    for number, event in enumerate(literal_events(), start=1):
        journal.append(event)
        for observer in observers:
            observer(number, event)
    journal.close()
    write_verdicts(folder, judgement)
    return Finished(meta, judgement, folder, code_of(judgement.outcome))
