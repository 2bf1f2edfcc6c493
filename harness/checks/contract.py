"""What a check is.

A check is a class with a `name`, a `summary`, the `Expectation` that a person writes under `expect:`, and `judge`, a pure
function from a run's history to a verdict: no clock, no randomness, no files beyond the run's tables, and the same
verdict, byte for byte, however often it is asked. Installed packages add checks through the entry point group
`harness.checks`; each entry is such a class.

A figure without its sample size is no evidence, and too few samples are UNKNOWN with the reason, never PASS.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, TypeVar

from harness.history.run import Run
from harness.model.quantities import Settings
from harness.model.verdicts import Verdict

E = TypeVar("E", bound=Settings)


class Check(ABC, Generic[E]):
    """One kind of judgement. Created without arguments; holds no state."""

    name: ClassVar[str]
    summary: ClassVar[str]
    Expectation: ClassVar[type[Settings]]
    correctness: ClassVar[bool] = False
    """Whether a FAIL is about right and wrong, not about time: a stall of the host never softens such a FAIL."""
    predicates: ClassVar[tuple[str, ...]] = ()
    """Names of the predicates that it reports one by one; its expectation then has a field `predicates`."""

    @abstractmethod
    def judge(self, run: Run, expectation: E) -> Verdict:
        """Judge one run by what a person expects of it; what the history doesn't tell makes the verdict UNKNOWN.

        Whatever it raises is a defect of the check, which `judging` turns into UNKNOWN.
        """


AnyCheck = Check[Any]
