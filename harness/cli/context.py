"""What several commands share: choosing the stack, the platform and the scenarios."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.documents.words import closest
from harness.engine.vocabulary import vocabulary
from harness.model.errors import DocumentError, NothingToRun, Problem, UsageError
from harness.model.units import counted
from harness.platforms.contract import Platform
from harness.scenario.discovery import discover
from harness.scenario.loading import load_scenarios
from harness.scenario.scenario import Scenario
from harness.scenario.validation import validate_against
from harness.stack.choice import Chosen, choose, find_project, find_stack
from harness.stack.description import Stack
from harness.stack.reading import read_stack

DEFAULT_PATHS = ("scenarios",)


def chosen_stack_file(flag: str | None) -> Chosen[Path]:
    """The compose file, with where it was named."""
    cwd = Path.cwd()
    return find_stack(flag, os.environ, find_project(cwd), cwd)


def chosen_stack(flag: str | None, *, variables: dict[str, str] | None = None) -> Stack:
    """The stack that is tested."""
    return read_stack(chosen_stack_file(flag).value, variables={**os.environ, **(variables or {})})


def chosen_platform_name(flag: str | None) -> Chosen[str]:
    """The platform's name, with where it was named."""
    return choose(
        "platform", flag=flag, environ=os.environ, project=find_project(Path.cwd()), default="process"
    )


def chosen_platform(flag: str | None) -> Platform:
    """The platform that runs the stack."""
    from harness.engine.platforms import platform_named

    return platform_named(chosen_platform_name(flag).value)


def chosen_scenarios(
    paths: Sequence[str],
    *,
    tags: Iterable[str] = (),
    keyword: str | None = None,
    overrides: Sequence[str] = (),
    seed: int | None = None,
    stack: Stack | None = None,
) -> list[Scenario]:
    """The scenarios that were asked for, checked against the stack if one is given.

    Raises `UsageError` or `DocumentError` with every mistake in every file, and `NothingToRun` when nothing matches.
    """
    files = discover([Path(path) for path in paths or DEFAULT_PATHS])
    found: list[Scenario] = []
    problems: list[Problem] = []
    for file in files:
        try:
            found += load_scenarios(file, vocabulary=vocabulary(), overrides=overrides)
        except DocumentError as error:
            problems += error.problems
    wanted = [scenario for scenario in found if scenario.matches(tags=tags, keyword=keyword)]
    if stack is not None:
        problems += [problem for scenario in wanted for problem in validate_against(scenario, stack)]
    if problems:
        raise DocumentError(tuple(dict.fromkeys(problems)), next_step="mend these, then: harness validate")
    if not wanted:
        raise NothingToRun(
            f"no scenario matches, of {len(found)} in {counted(len(files), 'file')}",
            next_step="harness list shows what there is",
        )
    return wanted if seed is None else [scenario.with_seed(seed) for scenario in wanted]


def find_run(text: str) -> Path | None:
    """Where the run lies that a person named, by its path or below `runs/`; None when there is none."""
    return next((path for path in (Path(text), Path("runs") / text) if path.exists()), None)


def run_folder(text: str) -> Path:
    """A folder of a run that a person named: a path, or a scenario's name, whose latest run is meant."""
    found = find_run(text)
    if found is not None:
        return found
    near = closest(text, [path.name for path in Path("runs").iterdir()] if Path("runs").is_dir() else ())
    hint = f"; did you mean {near!r}?" if near else ""
    raise UsageError(
        f"there is no run at {text}{hint}",
        next_step="name a scenario that was run into runs/, or the folder of a run (as after `harness run --out DIR`)",
    )
