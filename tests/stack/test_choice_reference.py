"""The stack that ships here has a name of its own."""

from __future__ import annotations

from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from harness.model.errors import EnvironmentUnfit, UsageError
from harness.stack.choice import Project, find_stack, flag_of
from harness.stack.reference import reference_scenarios, reference_stack

NOBODY = Project(None, {})


def test_the_reference_stack_can_be_named_from_anywhere(tmp_path: Path) -> None:
    chosen = find_stack("reference", {}, NOBODY, tmp_path)
    assert chosen.value.name == "docker-compose.yml"
    assert "x-harness" in chosen.value.read_text()
    assert chosen.source == "--stack"


def test_where_there_is_no_stack_the_message_names_the_one_that_ships_here(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--stack reference"):
        find_stack(None, {}, NOBODY, tmp_path)


def test_the_flag_that_names_a_stack_again_is_empty_where_it_is_found_without(tmp_path: Path) -> None:
    here, other = tmp_path / "docker-compose.yml", tmp_path / "other" / "compose.yaml"
    other.parent.mkdir()
    for path in (here, other):
        path.write_text("services: {}\n")
    assert flag_of(here, tmp_path) == ""
    assert flag_of(other, tmp_path) == "other/compose.yaml"
    assert flag_of(here, other.parent) == str(here)
    assert flag_of(reference_stack(), tmp_path) == "reference"
    (tmp_path / "pyproject.toml").write_text('[tool.harness]\nstack = "other"\n')
    assert flag_of(other, tmp_path) == ""
    assert flag_of(here, tmp_path) == "docker-compose.yml"


def test_where_no_stack_is_found_the_flag_names_it(tmp_path: Path) -> None:
    (tmp_path / "mine.yml").write_text("services: {}\n")
    assert flag_of(tmp_path / "mine.yml", tmp_path) == "mine.yml"


def test_its_scenarios_lie_in_one_folder() -> None:
    assert (reference_scenarios() / "primary-provider-outage.yaml").is_file()


def test_a_reference_stack_that_is_not_installed_is_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("harness.stack.reference.find_spec", lambda _: None)
    with pytest.raises(EnvironmentUnfit, match=r"stack's docker-compose\.yml is not installed") as found:
        reference_stack()
    assert found.value.next_step is not None
    without_files = ModuleSpec("trading_stack", None, origin=str(tmp_path / "trading_stack" / "__init__.py"))
    monkeypatch.setattr("harness.stack.reference.find_spec", lambda _: without_files)
    with pytest.raises(EnvironmentUnfit, match="scenarios/gate is not installed"):
        reference_scenarios()
