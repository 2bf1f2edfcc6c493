"""How a judgement becomes an exception of a test. Imports the standard library alone."""

from __future__ import annotations


class Inconclusive(AssertionError):
    """UNKNOWN: nobody can say whether the stack passed. A test fails by it, and is shown as UNKNOWN."""


class NotRunHere(Exception):
    """The platform can't do what the test asks, and the suite does not list that under `harness_may_lack`."""
