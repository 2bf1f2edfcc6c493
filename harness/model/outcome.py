"""Outcomes and the exit codes that they lead to."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum, StrEnum


class Outcome(StrEnum):
    """What a check, or a whole run, came to. The worst wins: FAIL over UNKNOWN over PASS."""

    PASS = "PASS"  # noqa: S105  a verdict, not a password
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"
    NOT_RUN = "NOT_RUN"

    @classmethod
    def worst(cls, outcomes: Iterable[Outcome]) -> Outcome:
        """The worst of some outcomes; nothing judged at all is UNKNOWN, never PASS."""
        seen = set(outcomes)
        for outcome in (cls.FAIL, cls.UNKNOWN, cls.NOT_RUN, cls.PASS):
            if outcome in seen:
                return outcome
        return cls.UNKNOWN


class ExitCode(IntEnum):
    """Exit codes; 0 to 5 mean what they mean for pytest."""

    PASSED = 0
    FAILED = 1
    INTERRUPTED = 2
    INTERNAL = 3
    USAGE = 4
    NOTHING_TO_RUN = 5
    UNKNOWN = 7
    GUARD_ABORTED = 8
    NOT_RUN = 9
    HEAL_FAILED = 10

    @classmethod
    def of(cls, codes: Iterable[ExitCode]) -> ExitCode:
        """The code of several outcomes: the first of 10, 3, 2, 8, 1, 4, 7, 9, 5 that occurs, else 0."""
        seen = set(codes)
        order = (10, 3, 2, 8, 1, 4, 7, 9, 5)
        return next((cls(code) for code in order if code in seen), cls.PASSED)
