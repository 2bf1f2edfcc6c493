"""What reading a stack's file finds besides the stack: mistakes, warnings, and keys that change nothing here."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.documents.nodes import Mark
from harness.model.errors import DocumentError, Problem


@dataclass(frozen=True, slots=True)
class Findings:
    """Gathered while reading, so that a person sees all mistakes at once."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    ignored: list[Problem] = field(default_factory=list)

    def problem(self, mark: Mark, message: str, *, closest: str | None = None) -> None:
        """Note a mistake: the file will be refused."""
        self.problems.append(mark.problem(message, closest=closest))

    def warn(self, mark: Mark, message: str, *, closest: str | None = None) -> None:
        """Note what is allowed, but probably not meant."""
        self.warnings.append(mark.problem(message, closest=closest))

    def ignore(self, mark: Mark, message: str) -> None:
        """Note a key that changes nothing for the harness."""
        self.ignored.append(mark.problem(message))

    def refuse(self) -> None:
        """Raise `DocumentError` with every mistake, in the file's order, if there is one."""
        if self.problems:
            raise DocumentError(
                tuple(sorted(self.problems, key=lambda problem: (problem.line, problem.column)))
            )
