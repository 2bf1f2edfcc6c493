"""A schedule that broke a rule is kept, and can be played again: by the very command that the campaign names."""

from __future__ import annotations

import shlex
from pathlib import Path

import msgspec
import pytest
import schedules

from trading_stack.defects import Defect
from trading_stack.simulation.case import Case, read_stored, write_case
from trading_stack.simulation.directed import DIRECTED
from trading_stack.simulation.schedule import Schedule, read, write

SPLIT = Defect.SPLIT_BRAIN_LOCAL_VOTE
CASE = DIRECTED[SPLIT]


def test_a_case_is_played_with_its_own_defect(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_case(CASE, tmp_path / "case.json")
    assert schedules.main(["--replay", str(tmp_path / "case.json")]) == 1
    said = capsys.readouterr().out
    assert "1 actions, split-brain-local-vote" in said
    assert " ms: " in said
    assert "entries_committed" in said, "the events that led there are told"


def test_a_schedule_is_played_with_the_defect_that_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(CASE.schedule, tmp_path / "schedule.json")
    assert schedules.main(["--replay", str(tmp_path / "schedule.json")]) == 0
    assert "breaks no rule" in capsys.readouterr().out
    assert schedules.main(["--replay", str(tmp_path / "schedule.json"), "--defect", str(SPLIT)]) == 1


def test_it_is_shrunk(tmp_path: Path) -> None:
    directed = DIRECTED[Defect.REPLAY_ACCEPTED]
    bloated = msgspec.structs.replace(directed.schedule, actions=directed.schedule.actions * 2)
    write_case(Case(directed.defect, directed.rule, bloated), tmp_path / "case.json")
    assert schedules.main(["--replay", str(tmp_path / "case.json"), "--shrink"]) == 1
    assert len(read(tmp_path / "case-shrunk.json").actions) < len(bloated.actions)


def test_a_campaign_names_the_command_that_plays_a_broken_schedule(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaking(job: schedules.Job) -> tuple[schedules.Job, schedules.Tally]:
        return job, schedules.Tally(schedules=1, found=[schedules.Found(0, "kept", "planted", 0.1)])

    monkeypatch.setattr(schedules, "play", breaking)
    campaign = ["--generators", "uniform", "--schedules", "1", "--out", str(tmp_path)]
    assert schedules.main(campaign) == 1
    command = shlex.split(capsys.readouterr().out.splitlines()[-1])
    assert command[:2] == ["python", "benchmarks/schedules.py"]
    assert schedules.main(command[2:]) == 0
    assert str(tmp_path / "uniform-0.json") in capsys.readouterr().out


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[1] / "trading_stack/simulation").glob("*/*.json"))
)
def test_whatever_is_kept_can_be_read(path: Path) -> None:
    assert isinstance(read_stored(path), Case if path.parent.name == "seeds" else Schedule)
