"""The words that scenario files may use: every fault, every check, every moment, wherever they are defined."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.scenario.vocabulary import Vocabulary


@cache
def vocabulary() -> Vocabulary:
    """All faults and checks that are installed; imported when it is first needed."""
    from harness.checks.registry import all_checks
    from harness.faults.registry import all_faults
    from harness.model.stack_event import Moment
    from harness.scenario.vocabulary import Vocabulary

    return Vocabulary(
        faults=dict(all_faults()),
        checks={name: check.Expectation for name, check in all_checks().items()},
        events=tuple(Moment),
    )
