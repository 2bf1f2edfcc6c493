"""Schedules by chance: the right code survives them, planted mistakes don't, and a number always names the same one."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from trading_stack.defects import Defect
from trading_stack.simulation import faults
from trading_stack.simulation.generators import GENERATORS
from trading_stack.simulation.playing import run
from trading_stack.simulation.schedule import At, Schedule, When, read, write

SCHEDULES = 20


@pytest.mark.parametrize("name", GENERATORS)
def test_the_right_code_breaks_no_rule(name: str) -> None:
    acknowledged = promotions = 0
    for seed in range(SCHEDULES):
        outcome = run(GENERATORS[name](seed))
        assert outcome.finding is None, f"{name} {seed}: {outcome.finding}"
        acknowledged += outcome.acknowledged
        promotions += outcome.promotions
    assert acknowledged > SCHEDULES * 5, "schedules that commit nothing prove nothing"
    assert promotions >= SCHEDULES or name == "harmless", "schedules without a failover prove little"


@pytest.mark.parametrize("name", ["hostile", "forgetful"])
def test_what_waits_for_an_event_strikes(name: str) -> None:
    schedules = [GENERATORS[name](seed) for seed in range(40)]
    schedules = [schedule for schedule in schedules if _waiting(schedule)][:12]
    outcomes = [run(schedule) for schedule in schedules]
    assert sum(outcome.failovers > 0 for outcome in outcomes) >= 4
    struck = sum(outcome.struck_after_events for outcome in outcomes)
    assert struck > 0.6 * sum(_waiting(schedule) for schedule in schedules)


def _waiting(schedule: Schedule) -> int:
    return sum(isinstance(action.moment, When) for action in schedule.actions)


@pytest.mark.parametrize(
    ("defect", "name"),
    [
        (Defect.ACKNOWLEDGE_BEFORE_REPLICATION, "uniform"),
        (Defect.NO_FENCING, "keyed"),
        (Defect.SPLIT_BRAIN_LOCAL_VOTE, "swarm"),
        (Defect.NAIVE_TIMEOUT, "harmless"),
        (Defect.CANDIDATE_BY_LOG_LENGTH, "rivals"),
        (Defect.REPLAY_ACCEPTED, "hostile"),
        (Defect.UNAUTHENTICATED_HEARTBEAT, "hostile"),
    ],
)
def test_a_planted_mistake_is_found_by_chance(defect: Defect, name: str) -> None:
    assert any(
        run(GENERATORS[name](seed), frozenset({defect})).finding is not None for seed in range(SCHEDULES)
    )


@pytest.mark.parametrize("name", GENERATORS)
def test_a_number_names_one_schedule_and_a_file_keeps_it(name: str, tmp_path: Path) -> None:
    for seed in range(30):
        schedule = GENERATORS[name](seed)
        assert schedule == GENERATORS[name](seed)
        write(schedule, tmp_path / "schedule.json")
        assert read(tmp_path / "schedule.json") == schedule


def test_generators_differ_in_what_they_strike_at() -> None:
    def moments(name: str) -> set[type]:
        return {type(action.moment) for seed in range(20) for action in GENERATORS[name](seed).actions}

    assert moments("keyed") == {At, When}
    assert moments("uniform") == moments("swarm") == {At}
    assert all(GENERATORS["harmless"](seed).harmless for seed in range(5))


def test_swarms_leave_kinds_out() -> None:
    def kinds(schedule: Schedule) -> set[type]:
        return {type(action.fault) for action in schedule.actions}

    many = [kinds(GENERATORS["swarm"](seed)) for seed in range(60)]
    everything = set().union(*many)
    assert {faults.Kill, faults.PowerCut, faults.Wipe, faults.Stall, faults.FullDisk} <= everything
    assert any(len(some) <= 3 for some in many)


def test_a_file_that_is_no_schedule_is_refused(tmp_path: Path) -> None:
    (tmp_path / "schedule.json").write_text('{"seed": 1, "actions": [{"moment": {"type": "at"}}]}')
    with pytest.raises(msgspec.DecodeError):
        read(tmp_path / "schedule.json")
