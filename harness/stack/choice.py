"""Which stack, and which setting: flag over `HARNESS_*` variable over `[tool.harness]` over default, with its source.

`harness doctor` prints the source of each choice, so that nobody has to guess where a value came from.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar

from harness.model.errors import DocumentError, Problem, UsageError
from harness.stack.reference import reference_stack

T = TypeVar("T")

REFERENCE: Final = "reference"
COMPOSE_NAMES: Final = ("docker-compose.yml", "docker-compose.yaml", "compose.yaml", "compose.yml")


@dataclass(frozen=True, slots=True)
class Chosen(Generic[T]):
    """A value, and where it came from, in words."""

    value: T
    source: str


@dataclass(frozen=True, slots=True)
class Project:
    """The `[tool.harness]` table of the nearest pyproject.toml; `path` is None when there is none."""

    path: Path | None
    settings: Mapping[str, object]

    @property
    def folder(self) -> Path | None:
        """Where relative paths of the table start."""
        return None if self.path is None else self.path.parent


def find_project(cwd: Path) -> Project:
    """The nearest pyproject.toml at or above a folder, if it has a `[tool.harness]` table.

    Raises `DocumentError` for a file that is not TOML or whose table is none: ignoring it would ignore what it says.
    """
    for folder in (cwd, *cwd.parents):
        path = folder / "pyproject.toml"
        if path.is_file():
            table = _harness_table(path)
            return Project(path, table) if table is not None else Project(None, {})
    return Project(None, {})


def choose(
    name: str, *, flag: str | None, environ: Mapping[str, str], project: Project, default: str
) -> Chosen[str]:
    """The value of one setting (`platform`) with its source."""
    found = _said(name, flag=flag, environ=environ, project=project)
    return found if found is not None else Chosen(default, "default")


def find_stack(flag: str | None, environ: Mapping[str, str], project: Project, cwd: Path) -> Chosen[Path]:
    """The compose file of the stack, with its source; raises `UsageError` when there is none.

    A path in pyproject.toml counts from that file's folder, every other one from `cwd`. The word `reference` means
    the stack that ships with the harness.
    """
    said = _said("stack", flag=flag, environ=environ, project=project)
    if said is None:
        return _nearest(cwd)
    if said.value == REFERENCE:
        return Chosen(reference_stack(), said.source)
    base = project.folder if said.source.startswith("[tool.harness]") else cwd
    path = (base or cwd) / said.value
    if path.is_dir():
        path = _in_folder(path) or path
    if not path.is_file():
        raise UsageError(
            f"there is no stack at {path} ({said.source} says {said.value!r})",
            next_step=f"name a compose file, such as --stack {COMPOSE_NAMES[0]}, or --stack {REFERENCE}",
        )
    return Chosen(path, said.source)


def flag_of(stack: Path, cwd: Path) -> str:
    """What `--stack` must say in `cwd` to mean this compose file; empty where it is meant without, by any environment."""
    if stack.resolve() == _unsaid(cwd):
        return ""
    if stack == reference_stack():
        return REFERENCE
    whole = stack.resolve()
    return str(whole.relative_to(cwd)) if whole.is_relative_to(cwd) else str(whole)


def _unsaid(cwd: Path) -> Path | None:
    """The compose file that is found when neither a flag nor a variable names one."""
    try:
        return find_stack(None, {}, find_project(cwd), cwd).value.resolve()
    except UsageError:
        return None


def _said(name: str, *, flag: str | None, environ: Mapping[str, str], project: Project) -> Chosen[str] | None:
    if flag is not None:
        return Chosen(flag, f"--{name}")
    variable = f"HARNESS_{name.upper().replace('-', '_')}"
    if environ.get(variable):
        return Chosen(environ[variable], variable)
    value = project.settings.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise UsageError(f"{project.path}: [tool.harness] {name} = {value!r} is not text")
    return Chosen(value, f"[tool.harness] {name} in {project.path}")


def _nearest(cwd: Path) -> Chosen[Path]:
    for folder in (cwd, *cwd.parents):
        path = _in_folder(folder)
        if path is not None:
            return Chosen(path, f"nearest {path.name}")
    raise UsageError(
        f"there is no {COMPOSE_NAMES[0]} in {cwd} or above it",
        next_step=f"name the stack's compose file with --stack FILE, or --stack {REFERENCE} for the one that ships here",
    )


def _in_folder(folder: Path) -> Path | None:
    return next((folder / name for name in COMPOSE_NAMES if (folder / name).is_file()), None)


def _harness_table(path: Path) -> Mapping[str, object] | None:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise DocumentError((Problem(str(path), 0, 0, f"this is not TOML: {error}"),)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} can't be read: {error}") from None
    tool = document.get("tool", {})
    table = tool.get("harness") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise DocumentError(
            (Problem(str(path), 0, 0, "`tool.harness` is not a table: write [tool.harness]"),)
        )
    return table
