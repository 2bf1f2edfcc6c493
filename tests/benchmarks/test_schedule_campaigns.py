"""Campaigns of schedules: they end green only when all was played, and all that was to be found was."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
import schedules

from trading_stack.defects import Defect
from trading_stack.simulation.case import Case
from trading_stack.simulation.directed import DIRECTED
from trading_stack.simulation.schedule import Schedule

NAIVE = ("--defect", str(Defect.NAIVE_TIMEOUT))
QUIET = Schedule(seed=1)


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """Campaigns look for garbage more rarely than tests should."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody interrupts the second chunk of a campaign."""
    play, played = schedules.play, list[schedules.Job]()

    def interrupting(job: schedules.Job) -> tuple[schedules.Job, schedules.Tally]:
        if played:
            raise KeyboardInterrupt
        played.append(job)
        return play(job)

    monkeypatch.setattr(schedules, "CHUNK", 5)
    monkeypatch.setattr(schedules, "play", interrupting)


def test_a_defect_found_by_hand_and_by_chance_is_caught() -> None:
    assert schedules.main([*NAIVE, "--generators", "harmless", "--schedules", "12"]) == 0


def test_a_defect_that_no_generator_finds_is_not_caught(capsys: pytest.CaptureFixture[str]) -> None:
    assert schedules.main([*NAIVE, "--generators", "rivals", "--schedules", "2"]) == 1
    assert "naive-timeout was not found both" in capsys.readouterr().out


def test_a_defect_that_its_own_schedule_misses_is_not_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    case = DIRECTED[Defect.NAIVE_TIMEOUT]
    monkeypatch.setitem(DIRECTED, Defect.NAIVE_TIMEOUT, Case(case.defect, case.rule, QUIET))
    assert schedules.main([*NAIVE, "--generators", "harmless", "--schedules", "12"]) == 1


@pytest.mark.usefixtures("stopped")
def test_an_interrupted_campaign_says_how_far_it_came(capsys: pytest.CaptureFixture[str]) -> None:
    assert schedules.main(["--generators", "harmless", "--schedules", "12"]) == 2
    assert "interrupted: 5 of 12 schedules were played" in capsys.readouterr().out


@pytest.mark.usefixtures("stopped")
def test_an_interrupted_campaign_of_all_defects_plays_no_further_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert schedules.main(["--defect", "all", "--generators", "uniform", "--schedules", "12"]) == 2
    assert "no-fencing" not in capsys.readouterr().out


def test_a_whole_campaign_in_which_no_rule_is_broken_is_green(tmp_path: Path) -> None:
    assert schedules.main(["--generators", "harmless", "--schedules", "2", "--out", str(tmp_path)]) == 0
    assert not list(tmp_path.iterdir())


def test_it_tells_how_much_its_schedules_could_show(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    options = ["--generators", "harmless", "rivals", "--schedules", "4", "--out", str(tmp_path)]
    assert schedules.main(options) == 0
    told = capsys.readouterr().out.split("majority alone")[1].splitlines()
    harmless, rivals = (
        next(line for line in told if line.startswith(name)) for name in ("harmless", "rivals")
    )
    assert "0 of 2   0%" in harmless, "no failover"
    assert "none" in harmless, "no action waits for an event"
    assert harmless.count("2 of 2 100%") == 2, "all have acknowledgements, and were judged by a majority"
    assert rivals.rstrip().endswith("0 of 2   0%   0.00 s")


def test_no_fewer_schedules_are_played_than_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    played: list[int] = []

    def counting(job: schedules.Job) -> tuple[schedules.Job, schedules.Tally]:
        played.append(job.last - job.first)
        return job, schedules.Tally(schedules=job.last - job.first)

    monkeypatch.setattr(schedules, "play", counting)
    assert schedules.main(["--schedules", "301", "--generators", "uniform", "swarm", "keyed"]) == 0
    assert 301 <= sum(played) < 301 + 3
