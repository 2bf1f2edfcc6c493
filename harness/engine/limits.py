"""The largest blast radius that a stack allows, checked before anything starts."""

from __future__ import annotations

from harness.faults.contract import Fault
from harness.model.errors import SafetyGuard
from harness.scenario.scenario import Scenario, TimelineEntry
from harness.scenario.target import STANDBYS, Target
from harness.stack.description import Stack


def check_blast_radius(scenario: Scenario, stack: Stack) -> None:
    """Refuse a scenario that may take more providers away at once than `limits.providers_at_once` allows.

    Words such as `any` count as one provider each. A fault that waits for a moment may overlap with every other.
    Raises `SafetyGuard`.
    """
    limit = stack.providers_at_once
    if limit is None:
        return
    outages = [entry for entry in scenario.timeline if _providers(entry, stack)]
    for entry in outages:
        together = {
            name for other in outages if _overlap(entry, other, scenario) for name in _providers(other, stack)
        }
        if len(together) > limit:
            raise SafetyGuard(
                f"{scenario.id}: at {entry.id}, {len(together)} providers may be struck at once "
                f"({', '.join(sorted(together))}); {stack.path} allows {limit}",
                next_step="let the faults follow one another, or raise `limits.providers_at_once` of the stack",
            )


def _providers(entry: TimelineEntry, stack: Stack) -> tuple[str, ...]:
    """The providers that a fault takes away as a whole, as names or as words of its own."""
    target = getattr(entry.parameters, "target", None)
    if not (
        isinstance(entry.parameters, Fault) and isinstance(target, Target) and target.provider is not None
    ):
        return ()
    if target.role is not None:
        return ()
    if target.provider == STANDBYS:
        return tuple(f"{STANDBYS} {number}" for number in range(1, len(stack.providers)))
    return (target.provider,)


def _overlap(one: TimelineEntry, other: TimelineEntry, scenario: Scenario) -> bool:
    if one.at_s is None or other.at_s is None:
        return True
    ends = [
        scenario.ends_s if entry.lasts_s is None else (entry.at_s or 0.0) + entry.lasts_s
        for entry in (one, other)
    ]
    return one.at_s < ends[1] and other.at_s < ends[0]
