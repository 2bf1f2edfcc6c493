"""The platform `sim`: a stack in virtual time, if it says how it takes part."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, cast

from harness.faults.contract import Capability
from harness.model.errors import EnvironmentUnfit, UsageError
from harness.platforms.contract import Launch, Site
from harness.stack.description import Stack
from harness.stack.loading import load_object
from harness.stack.simulation import Simulation


class SimPlatform:
    """Runs stacks in virtual time (`harness.platforms.contract.Platform`); the engine has a bench of its own for it."""

    name: ClassVar[str] = "sim"
    exclusive: ClassVar[bool] = False

    def capabilities(self) -> frozenset[Capability]:
        return frozenset(Capability)

    def lacking(self, capability: Capability) -> str:
        return f"virtual time has no {capability} yet"

    def launch(self, launch: Launch) -> Site:
        raise EnvironmentUnfit(f"{launch.stack.name} has no processes in virtual time")


def simulation_of(stack: Stack) -> Simulation:
    """What the stack gives for virtual time; raises `UsageError` when it gives nothing."""
    if stack.simulation is None:
        raise UsageError(
            f"{stack.path} doesn't say how its services take part in virtual time",
            next_step="add `simulation: module:Class` to its x-harness block (harness/stack/simulation.py), "
            "or take another platform",
        )
    found = load_object(stack.simulation, base=Path(stack.path).resolve().parent, what="simulation")
    if not callable(found):
        raise UsageError(f"simulation {stack.simulation!r} is {type(found).__name__}, not a class")
    return cast("Simulation", found())
