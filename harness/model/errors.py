"""The tree of errors, named by cause.

::

    HarnessError                 3   something the harness itself got wrong
    ├── UsageError               4   a person's mistake: flag, name, file
    │   └── DocumentError        4   one or more mistakes in a file, each with file:line:column
    ├── NothingToRun             5   no scenario matched
    ├── EnvironmentUnfit         9   this machine or platform cannot do what was asked
    ├── StackUnhealthy           7   the stack never got ready, or died by itself
    ├── AdapterError             7   the adapter broke its contract
    ├── OutOfTime                7   the run took longer than its `timeout`
    ├── SafetyGuard              8   a guard stopped the run (`abort_when`, blast radius)
    └── HealFailed              10   something that was broken could not be mended

Each message says what happened, the value that was seen, and what to do next. The number is the exit code
when the error ends a command (DESIGN: exit codes).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.model.outcome import ExitCode


class HarnessError(Exception):
    """The base of every error that the harness raises on purpose."""

    exit_code: ClassVar[ExitCode] = ExitCode.INTERNAL

    def __init__(self, message: str, *, next_step: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return self.message if self.next_step is None else f"{self.message}\n  next: {self.next_step}"


class UsageError(HarnessError):
    """A person's mistake: a wrong flag, name or file."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file. Lines and columns count from 1; 0 means that the place is unknown."""

    file: str
    line: int
    column: int
    message: str
    source_line: str = ""
    width: int = 1
    closest: str | None = None

    def where(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    def __str__(self) -> str:
        text = f"{self.where()}: {self.message}"
        if self.closest is not None:
            text += f"; did you mean {self.closest!r}?"
        if self.source_line:
            caret = " " * (self.column - 1) + "^" + "~" * (max(1, self.width) - 1)
            text += f"\n    {self.source_line}\n    {caret}"
        return text


class DocumentError(UsageError):
    """One or more mistakes in a file that a person wrote."""

    def __init__(self, problems: tuple[Problem, ...], *, next_step: str | None = None) -> None:
        super().__init__("\n".join(str(problem) for problem in problems), next_step=next_step)
        self.problems = problems


class NothingToRun(HarnessError):
    """No scenario matched what was asked for."""

    exit_code = ExitCode.NOTHING_TO_RUN


class EnvironmentUnfit(HarnessError):
    """This machine or platform cannot do what was asked; the message says what would make it possible."""

    exit_code = ExitCode.NOT_RUN


class StackUnhealthy(HarnessError):
    """The stack never got ready, or a part of it died by itself."""

    exit_code = ExitCode.UNKNOWN


class AdapterError(HarnessError):
    """The adapter raised, hung or answered what its contract does not allow."""

    exit_code = ExitCode.UNKNOWN


class OutOfTime(HarnessError):
    """The run took longer than it may: nobody knows how it would have ended."""

    exit_code = ExitCode.UNKNOWN


class SafetyGuard(HarnessError):
    """A guard stopped the run before or while faults were injected."""

    exit_code = ExitCode.GUARD_ABORTED


class HealFailed(HarnessError):
    """Something that was broken could not be mended; the message lists what is left."""

    exit_code = ExitCode.HEAL_FAILED
