"""`harness validate`: check scenario files, once or whenever they change."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from harness.cli.context import DEFAULT_PATHS, chosen_stack
from harness.engine.vocabulary import vocabulary
from harness.model.errors import DocumentError, HarnessError, NothingToRun, Problem, UsageError
from harness.model.units import counted
from harness.scenario.discovery import discover
from harness.scenario.loading import load_scenarios
from harness.scenario.validation import validate_against
from harness.stack.description import Stack

LOOK_EVERY_S = 0.3


@click.command("validate")
@click.argument("paths", nargs=-1, type=click.Path())
@click.option(
    "--stack", metavar="FILE", help="The stack's compose file, to check names against; default: the nearest."
)
@click.option("--watch", is_flag=True, help="Check again whenever a file changes, until Ctrl-C.")
@click.option(
    "--format",
    "shape",
    type=click.Choice(["text", "github", "json"]),
    default="text",
    show_default=True,
    help="How mistakes are printed.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
def command(*, paths: tuple[str, ...], stack: str | None, watch: bool, shape: str, as_json: bool) -> int:
    """Check scenario files or folders of them (default: scenarios/). Every mistake has its file:line:column."""
    form = "json" if as_json else shape
    if not watch:
        return _check(paths, stack, form)
    before: dict[Path, int] | None = None
    while True:  # until Ctrl-C
        now = _stamps(paths)
        if now != before:
            before = now
            _check_again(paths, stack, form)
        time.sleep(LOOK_EVERY_S)


def _stack(flag: str | None, problems: list[Problem]) -> Stack | None:
    """The stack to check names against; without one, or with mistakes in its own file, names are not checked."""
    try:
        return chosen_stack(flag)
    except DocumentError as error:
        problems += error.problems
        return None
    except UsageError:
        if flag is not None:
            raise
        return None


def _stamps(paths: Sequence[str]) -> dict[Path, int]:
    try:
        files = discover([Path(path) for path in paths or DEFAULT_PATHS])
    except (OSError, UsageError):
        return {}
    stamps = {}
    for file in files:
        with suppress(OSError):  # it vanished since it was found
            stamps[file] = file.stat().st_mtime_ns
    return stamps


def _check_again(paths: Sequence[str], stack: str | None, form: str) -> None:
    """Check while somebody edits: files, and the stack's own, may be gone or half written at this moment."""
    try:
        _check(paths, stack, form)
    except (HarnessError, OSError) as error:
        click.echo(f"harness: {error}", err=True)


def _check(paths: Sequence[str], flag: str | None, form: str) -> int:
    files = discover([Path(path) for path in paths or DEFAULT_PATHS])
    problems: list[Problem] = []
    stack = _stack(flag, problems)
    count = 0
    for file in files:
        try:
            scenarios = load_scenarios(file, vocabulary=vocabulary())
        except DocumentError as error:
            problems += error.problems
            continue
        count += len(scenarios)
        if stack is not None:
            problems += dict.fromkeys(
                problem for scenario in scenarios for problem in validate_against(scenario, stack)
            )
    if not files and not problems:
        raise NothingToRun(
            "no scenario file was found", next_step="name a file or a folder, or: harness init"
        )
    _print(problems, files=len(files), scenarios=count, form=form)
    return 4 if problems else 0


def _print(problems: Sequence[Problem], *, files: int, scenarios: int, form: str) -> None:
    if form == "json":
        import msgspec

        click.echo(msgspec.json.encode({"files": files, "scenarios": scenarios, "problems": list(problems)}))
        return
    for problem in problems:
        click.echo(_github(problem) if form == "github" else str(problem))
    if form == "text":
        told = counted(len(problems), "mistake") if problems else "no mistake"
        click.echo(f"{counted(files, 'file')}, {counted(scenarios, 'scenario')}: {told}")


def _github(problem: Problem) -> str:
    """One annotation of GitHub's workflow commands, with what they reserve escaped."""
    message = problem.message + (f"; did you mean {problem.closest!r}?" if problem.closest else "")
    for char, code in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A")):
        message = message.replace(char, code)
    return f"::error file={problem.file},line={problem.line},col={problem.column}::{message}"
