"""The hour of disturbances ends green only when there was an hour of them, and nothing went wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import false_failovers
import pytest
from false_failovers import Count

from harness.engine.finished import not_run
from harness.engine.setup import Setup
from harness.engine.suite import Attempt
from harness.model.outcome import ExitCode

AN_HOUR = ["--minutes", "0", "--hours", "1", "--schedules", "0"]
Told = Callable[[Count], ExitCode | None]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Callable[[Told], None]:
    """Puts what is to come of each run in the place of runs."""

    def put(told: Told) -> None:
        def disturb(*_: object, count: Count, **__: object) -> ExitCode | None:
            count.runs += 1
            return told(count)

        monkeypatch.setattr(false_failovers, "disturb", disturb)

    return put


def ten_minutes(count: Count) -> None:
    count.disturbed_s += 600


def test_an_hour_without_a_failover_is_green(runs: Callable[[Told], None]) -> None:
    runs(ten_minutes)
    assert false_failovers.main(AN_HOUR) == 0


def test_a_failover_is_told(runs: Callable[[Told], None]) -> None:
    def failing(count: Count) -> None:
        ten_minutes(count)
        count.changes += 1

    runs(failing)
    assert false_failovers.main(AN_HOUR) == 1


def test_less_than_was_asked_for_is_unknown(
    runs: Callable[[Told], None], capsys: pytest.CaptureFixture[str]
) -> None:
    runs(lambda _: None)
    assert false_failovers.main(AN_HOUR) == 7
    assert "only 0.0 of 60 minutes under disturbance" in capsys.readouterr().out


def test_an_interruption_ends_it_all(
    runs: Callable[[Told], None], capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(count: Count) -> ExitCode:
        ten_minutes(count)
        return ExitCode.INTERRUPTED

    runs(interrupted)
    assert false_failovers.main(["--minutes", "30", "--hours", "1", "--schedules", "1"]) == 2
    said = capsys.readouterr().out
    assert "only 10.0 of 30 minutes under disturbance" in said
    assert "protocol alone" not in said


@pytest.mark.parametrize("code", [ExitCode.INTERRUPTED, ExitCode.NOT_RUN])
def test_a_run_that_was_none_says_why(
    code: ExitCode, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def none(setups: list[Setup], **_: object) -> list[Attempt]:
        return [Attempt(replace(not_run(setups[0], ""), exit_code=code), 1, final=True)]

    monkeypatch.setattr(false_failovers, "run_suite", none)
    count = Count()
    told = false_failovers.disturb("sim", "slow", 1, defect=None, folder=tmp_path, count=count)
    assert told is code
    assert count == Count()


def test_schedules_that_were_not_all_played_are_an_interruption(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(false_failovers, "play", interrupted)
    assert false_failovers.protocol(3, 0, None) == 2
    assert "0 of 3 schedules" in capsys.readouterr().out


def test_a_planted_defect_breaks_schedules() -> None:
    assert false_failovers.protocol(6, 0, "naive-timeout") == 1
