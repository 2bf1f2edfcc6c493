"""How a judgement becomes an exception of a test. Imports the standard library alone.

The plugin reads two attributes of whatever a test raised: `harness_code`, the exit code that it leads to (1 without it),
and `harness_word`, what it is shown as instead of a failure.
"""

from __future__ import annotations

from typing import ClassVar


class Inconclusive(AssertionError):
    """UNKNOWN: nobody can say whether the stack passed. A test fails by it, and is shown as UNKNOWN."""

    harness_code: ClassVar[int] = 7
    harness_word: ClassVar[str] = "UNKNOWN"


class Aborted(Inconclusive):
    """A safety guard stopped the run, so that nobody can say."""

    harness_code: ClassVar[int] = 8


class Unhealed(AssertionError):
    """Something that was broken, or started, is still there."""

    harness_code: ClassVar[int] = 10


class NotRunHere(Exception):
    """The platform can't do what the test asks, and the suite does not list that under `harness_may_lack`."""

    harness_code: ClassVar[int] = 9
    harness_word: ClassVar[str] = "NOT RUN"
