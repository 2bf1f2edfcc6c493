"""The faults that can be named: those of the harness, and those of installed plugins."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points

from harness.faults.connection_reset import ConnectionReset
from harness.faults.contract import Fault
from harness.faults.latency import Latency
from harness.faults.partition import Partition
from harness.faults.provider_outage import ProviderOutage
from harness.faults.service_crash import ServiceCrash
from harness.faults.service_freeze import ServiceFreeze
from harness.model.errors import UsageError

BUILT_IN: tuple[type[Fault], ...] = (
    ProviderOutage,
    ServiceCrash,
    ServiceFreeze,
    Latency,
    ConnectionReset,
    Partition,
)
ENTRY_POINT_GROUP = "harness.faults"


def register(faults: dict[str, type[Fault]], fault: object, *, origin: str) -> None:
    """Add one fault, after checking that it keeps the contract; raises `UsageError` naming who broke it."""
    if not (isinstance(fault, type) and issubclass(fault, Fault)):
        raise UsageError(f"{origin} is not a fault: it must be a subclass of harness.faults.contract.Fault")
    for attribute in ("name", "summary", "needs"):
        if not hasattr(fault, attribute):
            raise UsageError(f"{origin}: the fault {fault.__name__} lacks `{attribute}`")
    if fault.name in faults:
        raise UsageError(
            f"{origin}: a fault {fault.name!r} exists already; names in use: {', '.join(sorted(faults))}"
        )
    faults[fault.name] = fault


@cache
def all_faults() -> Mapping[str, type[Fault]]:
    """Every fault by its name in scenario files."""
    faults: dict[str, type[Fault]] = {}
    for fault in BUILT_IN:
        register(faults, fault, origin="harness")
    for plugin in entry_points(group=ENTRY_POINT_GROUP):
        register(faults, plugin.load(), origin=f"entry point {plugin.name} ({plugin.value})")
    return faults
