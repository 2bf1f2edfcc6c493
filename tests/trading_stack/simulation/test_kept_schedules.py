"""The smallest schedules that show each planted defect: broken with it, and sound without."""

from __future__ import annotations

from pathlib import Path

import pytest

from trading_stack.simulation.case import Case, read_case, write_case
from trading_stack.simulation.directed import DIRECTED
from trading_stack.simulation.playing import run

SEEDS = Path(__file__).parent / "seeds"
KEPT = sorted(SEEDS.glob("*.json"))


def test_every_defect_of_the_protocol_has_one() -> None:
    assert [path.stem for path in KEPT] == sorted(DIRECTED)


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_it_breaks_with_the_defect_and_not_without(path: Path) -> None:
    case = read_case(path)
    assert case.defect == path.stem
    broken = run(case.schedule, frozenset({case.defect}), judged=frozenset({case.rule})).finding
    assert broken is not None
    assert broken.rule is case.rule
    assert run(case.schedule).finding is None


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_nothing_can_be_left_out_of_it(path: Path) -> None:
    case = read_case(path)
    for place in range(len(case.schedule.actions)):
        assert not _shows(case, place), f"action {place} is not needed"


def _shows(case: Case, without: int) -> bool:
    import msgspec

    actions = case.schedule.actions[:without] + case.schedule.actions[without + 1 :]
    schedule = msgspec.structs.replace(case.schedule, actions=actions)
    finding = run(schedule, frozenset({case.defect}), judged=frozenset({case.rule})).finding
    return finding is not None and run(schedule).finding is None


def test_a_case_is_kept_whole(tmp_path: Path) -> None:
    case = next(iter(DIRECTED.values()))
    write_case(case, tmp_path / "case.json")
    assert read_case(tmp_path / "case.json") == case
