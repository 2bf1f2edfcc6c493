"""The faults that can be named: those of the harness, and those of installed plugins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.faults.clock_drift import ClockDrift
from harness.faults.connection_reset import ConnectionReset
from harness.faults.contract import Fault
from harness.faults.disk_full import DiskFull
from harness.faults.disk_lies import DiskLies
from harness.faults.disk_slow import DiskSlow
from harness.faults.disk_wiped import DiskWiped
from harness.faults.latency import Latency
from harness.faults.packet_loss import PacketLoss
from harness.faults.partition import Partition
from harness.faults.power_cut import PowerCut
from harness.faults.provider_outage import ProviderOutage
from harness.faults.service_crash import ServiceCrash
from harness.faults.service_freeze import ServiceFreeze
from harness.registry import Registry

BUILT_IN: Final[tuple[type[Fault], ...]] = (
    ProviderOutage,
    ServiceCrash,
    ServiceFreeze,
    Latency,
    ConnectionReset,
    Partition,
    PacketLoss,
    PowerCut,
    DiskSlow,
    DiskFull,
    DiskLies,
    DiskWiped,
    ClockDrift,
)
FAULTS: Final = Registry("fault", Fault, BUILT_IN, needs=("name", "summary", "needs"))


def all_faults() -> Mapping[str, type[Fault]]:
    """Every fault by its name in scenario files."""
    return FAULTS.all()
