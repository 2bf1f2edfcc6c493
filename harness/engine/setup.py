"""What one run needs to know before it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.model.errors import UsageError
from harness.platforms.contract import Platform
from harness.scenario.scenario import Scenario
from harness.stack.description import Stack
from harness.stack.reading import read_stack


def planted(stack: Stack, defect: str | None) -> Mapping[str, str]:
    """The environment that plants a defect which the stack declares; nothing for None. Raises `UsageError`."""
    if defect is None:
        return {}
    found = next((known for known in stack.defects if known.name == defect), None)
    if found is None:
        known = ", ".join(known.name for known in stack.defects) or "none"
        raise UsageError(f"{stack.path} declares no defect {defect!r}", next_step=f"it declares {known}")
    return found.environment


def seeded(stack: Stack, scenario: Scenario, *, variables: Mapping[str, str]) -> Stack:
    """The stack as one scenario runs it: its compose file read again, with `HARNESS_SEED` set to the scenario's seed.

    Whatever of the stack draws numbers (market sources) follows the scenario's seed by naming that variable.
    """
    return read_stack(stack.path, variables={**variables, "HARNESS_SEED": str(scenario.seed)})


@dataclass(frozen=True, slots=True)
class Setup:
    """One scenario on one stack and platform; its folder is made under `out`.

    `environment` is added to that of every service: a planted defect, a setting of a candidate. The rest is how a
    person asked for the run, kept so that they can ask for it again: the name of the planted `defect`, the `overrides`
    (`load.orders_per_s=50`), the `stack_file` as `--stack` takes it (empty: found without), and the id of a Python `test`.
    `retry_of` is the id of the run that this one is another attempt at.
    """

    scenario: Scenario
    stack: Stack
    platform: Platform
    out: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    defect: str | None = None
    overrides: tuple[str, ...] = ()
    stack_file: str = ""
    test: str = ""
    retry_of: str = ""

    @property
    def adapter(self) -> str:
        """The stack's adapter; raises `UsageError` when the stack names none."""
        if self.stack.adapter is None:
            raise UsageError(
                f"{self.stack.path} names no adapter, so nobody could send it orders",
                next_step="add `adapter: module:Class` to its x-harness block",
            )
        return self.stack.adapter
