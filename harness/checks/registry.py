"""The checks that can be named: those of the harness, and those of installed plugins."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points

from harness.checks.availability import Availability
from harness.checks.contract import AnyCheck, Check
from harness.checks.data_loss import DataLoss
from harness.checks.failover_time import FailoverTime
from harness.checks.latency import Latency
from harness.checks.leader_changes import LeaderChanges
from harness.checks.order_integrity import OrderIntegrity
from harness.checks.pricing_consistency import PricingConsistency
from harness.checks.recovery import Recovery
from harness.checks.replicas_converge import ReplicasConverge
from harness.checks.split_brain import SplitBrain
from harness.model.errors import UsageError
from harness.model.quantities import Settings

BUILT_IN: tuple[type[AnyCheck], ...] = (
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
)
ENTRY_POINT_GROUP = "harness.checks"


def register(checks: dict[str, type[AnyCheck]], check: object, *, origin: str) -> None:
    """Add one check, after proving that it keeps the contract; raises `UsageError` naming who broke it."""
    if not (isinstance(check, type) and issubclass(check, Check)):
        raise UsageError(f"{origin} is not a check: it must be a subclass of harness.checks.contract.Check")
    for attribute in ("name", "summary", "Expectation"):
        if not hasattr(check, attribute):
            raise UsageError(f"{origin}: the check {check.__name__} lacks `{attribute}`")
    if inspect.isabstract(check):
        raise UsageError(f"{origin}: the check {check.__name__} lacks `judge`")
    if not (isinstance(check.Expectation, type) and issubclass(check.Expectation, Settings)):
        raise UsageError(
            f"{origin}: {check.__name__}.Expectation must derive from harness.model.quantities.Settings"
        )
    if check.name in checks:
        raise UsageError(
            f"{origin}: a check {check.name!r} exists already; names in use: {', '.join(sorted(checks))}"
        )
    checks[check.name] = check


@cache
def all_checks() -> Mapping[str, type[AnyCheck]]:
    """Every check by its name in scenario files."""
    checks: dict[str, type[AnyCheck]] = {}
    for check in BUILT_IN:
        register(checks, check, origin="harness")
    for plugin in entry_points(group=ENTRY_POINT_GROUP):
        register(checks, plugin.load(), origin=f"entry point {plugin.name} ({plugin.value})")
    return checks
