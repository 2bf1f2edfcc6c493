"""The scenarios that ship: each is right by itself, and names only what the reference stack has."""

from __future__ import annotations

from configparser import ConfigParser
from pathlib import Path

import pytest

from harness.engine.vocabulary import vocabulary
from harness.scenario.discovery import discover
from harness.scenario.loading import from_document, load_scenarios
from harness.scenario.validation import validate_against
from harness.stack.reading import read_stack

ROOT = Path(__file__).parents[2]
FILES = discover([ROOT / "scenarios"])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_shipped_scenario_is_right(path: Path) -> None:
    stack = read_stack(ROOT / "docker-compose.yml", variables={})
    for scenario in load_scenarios(path, vocabulary=vocabulary()):
        assert validate_against(scenario, stack) == []
        assert scenario.name == path.stem
        assert scenario.summary.endswith(".")
        assert path.parent.name in scenario.tags
        assert "order_integrity" in scenario.expect or path.parent.name != "gate"
        assert from_document(scenario.resolved_document(), path=path, vocabulary=vocabulary()) == scenario


def test_names_are_unique() -> None:
    names = [path.stem for path in FILES]
    assert len(names) == len(set(names))


def test_the_gate_covers_what_it_must() -> None:
    gate = {path.stem for path in FILES if path.parent.name == "gate"}
    assert len(gate) >= 10
    stack = read_stack(ROOT / "docker-compose.yml", variables={})
    for defect in stack.defects:
        for scenario in defect.caught_by:
            if defect.platform == "process":
                assert scenario in gate, f"{defect.name}: the gate has no {scenario}"
            else:
                assert ROOT / scenario in FILES, f"{defect.name}: no {scenario} is shipped"


def test_all_of_them_are_run_in_virtual_time_by_one_environment_of_tox() -> None:
    tox = ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    commands = [line.split() for line in tox["testenv:sim"]["commands"].strip().splitlines()]
    named = [ROOT / word for words in commands for word in words if word.startswith("scenarios")]
    assert sorted(discover(named)) == sorted(FILES)
    assert all(words[words.index("--platform") + 1] == "sim" for words in commands)
