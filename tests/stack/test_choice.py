from __future__ import annotations

from pathlib import Path

import pytest

from harness.model.errors import DocumentError, UsageError
from harness.stack.choice import Chosen, Project, choose, find_project, find_stack

NO_PROJECT = Project(None, {})


def project(folder: Path, text: str) -> Project:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return find_project(folder)


def test_flag_wins_over_variable_over_project_over_default(tmp_path: Path) -> None:
    table = project(tmp_path, '[tool.harness]\nplatform = "docker"\n')
    variable = {"HARNESS_PLATFORM": "sim"}
    assert choose("platform", flag="x", environ=variable, project=table, default="process") == Chosen(
        "x", "--platform"
    )
    assert choose("platform", flag=None, environ=variable, project=table, default="process") == Chosen(
        "sim", "HARNESS_PLATFORM"
    )
    chosen = choose("platform", flag=None, environ={"HARNESS_PLATFORM": ""}, project=table, default="process")
    assert chosen == Chosen("docker", f"[tool.harness] platform in {tmp_path / 'pyproject.toml'}")
    assert choose("platform", flag=None, environ={}, project=NO_PROJECT, default="process") == Chosen(
        "process", "default"
    )


def test_a_setting_of_the_wrong_kind_is_told(tmp_path: Path) -> None:
    table = project(tmp_path, "[tool.harness]\nstack = 3\n")
    with pytest.raises(UsageError, match=r"\[tool.harness\] stack = 3 is not text"):
        find_stack(None, {}, table, tmp_path)


def test_the_nearest_compose_file_is_the_stack(tmp_path: Path) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / "docker-compose.yml").touch()
    assert find_stack(None, {}, NO_PROJECT, below) == Chosen(
        tmp_path / "docker-compose.yml", "nearest docker-compose.yml"
    )
    (tmp_path / "a" / "compose.yaml").touch()
    assert find_stack(None, {}, NO_PROJECT, below).value == tmp_path / "a" / "compose.yaml"


def test_a_stack_may_be_named_by_its_folder_and_from_the_projects(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "compose.yml").touch()
    table = project(tmp_path, '[tool.harness]\nstack = "s"\n')
    (tmp_path / "elsewhere").mkdir()
    chosen = find_stack(None, {}, table, tmp_path / "elsewhere")
    assert chosen.value == tmp_path / "s" / "compose.yml"
    assert find_stack("s/compose.yml", {}, NO_PROJECT, tmp_path).source == "--stack"
    assert find_stack(None, {"HARNESS_STACK": "s"}, table, tmp_path).source == "HARNESS_STACK"


def test_a_stack_that_is_not_there_is_told_with_its_source(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\(--stack says 'x.yml'\)"):
        find_stack("x.yml", {}, NO_PROJECT, tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="--stack says 'empty'"):
        find_stack("empty", {}, NO_PROJECT, tmp_path)
    with pytest.raises(UsageError, match=r"there is no docker-compose\.yml in"):
        find_stack(None, {}, NO_PROJECT, tmp_path)


def test_projects_without_a_table_and_none_at_all_say_nothing(tmp_path: Path) -> None:
    assert find_project(tmp_path) == NO_PROJECT
    assert project(tmp_path, "[project]\nname = 'x'\n") == NO_PROJECT
    assert NO_PROJECT.folder is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[tool", "this is not TOML"),
        (b"tool = {harness = 3}", "`tool.harness` is not a table"),
        (b"\xff", "can't be read"),
    ],
)
def test_a_broken_project_file_is_told(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "pyproject.toml").write_bytes(content)
    with pytest.raises(UsageError, match=message) as caught:
        find_project(tmp_path)
    assert isinstance(caught.value, DocumentError) == (content != b"\xff")
