"""The checks that can be named: those of the harness, and those of installed plugins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.checks.availability import Availability
from harness.checks.contract import AnyCheck, Check
from harness.checks.data_loss import DataLoss
from harness.checks.failover_time import FailoverTime
from harness.checks.latency import Latency
from harness.checks.leader_changes import LeaderChanges
from harness.checks.linearizability import Linearizability
from harness.checks.lost_writes import LostWrites
from harness.checks.order_integrity import OrderIntegrity
from harness.checks.pricing_consistency import PricingConsistency
from harness.checks.recovery import Recovery
from harness.checks.replicas_converge import ReplicasConverge
from harness.checks.split_brain import SplitBrain
from harness.model.quantities import Settings
from harness.registry import Registry

BUILT_IN: Final[tuple[type[AnyCheck], ...]] = (
    FailoverTime,
    Availability,
    Latency,
    Recovery,
    LeaderChanges,
    SplitBrain,
    DataLoss,
    OrderIntegrity,
    ReplicasConverge,
    PricingConsistency,
    Linearizability,
    LostWrites,
)


def _flaw(check: type[AnyCheck]) -> str:
    if isinstance(check.Expectation, type) and issubclass(check.Expectation, Settings):
        return ""
    return "has an `Expectation` that does not derive from harness.model.quantities.Settings"


CHECKS: Final = Registry("check", Check, BUILT_IN, needs=("name", "summary", "Expectation"), flaw=_flaw)


def all_checks() -> Mapping[str, type[AnyCheck]]:
    """Every check by its name in scenario files."""
    return CHECKS.all()
