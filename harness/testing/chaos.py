"""Faults as typed methods, for Python tests: each answers a context that heals when it is left."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from harness.engine.process_bench import ProcessBench
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
from harness.scenario.target import PRIMARY
from harness.testing.in_force import FaultInForce
from harness.testing.mistakes import made
from harness.testing.outcomes import Inconclusive


class Chaos:
    """Every fault as a method. Targets are words (`primary`, `standby`, `any`) or names of the stack.

    A pair of names means the links between two ends. `lasts_s` is the time after which a fault heals by itself; None
    means when its `with` block is left, or at the first assertion. Each method raises `UsageError` for settings that are
    none or don't fit together, and `Inconclusive` when the fault could not be injected.
    """

    def __init__(self, bench: Callable[[], ProcessBench]) -> None:
        self._bench = bench
        self._made: list[FaultInForce] = []
        self._lock = threading.RLock()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """No fault moves or heals by itself any more, from here on."""
        for in_force in self._made:
            in_force.let_go()
        with self._lock:
            yield

    def inject(self, fault: Fault, *, lasts_s: float | None = None) -> FaultInForce:
        """Inject any fault, also one of a plugin."""
        bench = self._bench()
        name = f"{fault.name}-{len(self._made) + 1}"
        in_force = FaultInForce(bench, name, fault, lasts_s=lasts_s, lock=self._lock)
        self._made.append(in_force)
        in_force.begin()
        reason = bench.nemesis.failed.get(in_force.id)
        if reason is not None:
            raise Inconclusive(f"the fault {in_force.id} could not be injected: {reason}")
        return in_force

    def provider_outage(
        self,
        provider: str = PRIMARY,
        *,
        mode: Literal["dark", "abrupt", "frozen", "unreachable"] = "dark",
        lasts_s: float | None = None,
    ) -> FaultInForce:
        """A provider is lost.

        `dark`: its links fall silent, then its processes die. `abrupt`: they are killed, and peers see resets.
        `frozen`: all are paused. `unreachable`: they live, and all links are cut.
        """
        fault = made(ProviderOutage, "provider_outage", target={"provider": provider}, mode=mode)
        return self.inject(fault, lasts_s=lasts_s)

    def service_crash(self, service: str, *, lasts_s: float | None = None) -> FaultInForce:
        """A service is killed, and started again at the end."""
        return self.inject(made(ServiceCrash, "service_crash", target={"service": service}), lasts_s=lasts_s)

    def service_freeze(self, service: str, *, lasts_s: float | None = None) -> FaultInForce:
        """A service is frozen, and thawed at the end."""
        return self.inject(
            made(ServiceFreeze, "service_freeze", target={"service": service}), lasts_s=lasts_s
        )

    def latency(
        self,
        target: str | tuple[str, str],
        *,
        latency_ms: float,
        jitter_ms: float = 0.0,
        shape: Literal["fixed", "ramp", "spikes"] = "fixed",
        over_s: float | None = None,
        spike_ms: float | None = None,
        every_ms: float | None = None,
        count: int = 5,
        direction: Literal["to", "from", "both"] = "both",
        lasts_s: float | None = None,
    ) -> FaultInForce:
        """Links get slower, on top of their baseline: the WAN links of a provider, or those between two ends.

        `latency_ms` is added one way, in each `direction` named (seen from who dials), give or take `jitter_ms`. A `ramp`
        rises to it over `over_s`; `spikes` add it `count` times for `spike_ms`, one at the start of each `every_ms`.
        """
        fault = made(
            Latency,
            "latency",
            target=_links(target),
            latency_ms=latency_ms,
            jitter_ms=jitter_ms,
            shape=shape,
            over_s=over_s,
            spike_ms=spike_ms,
            every_ms=every_ms,
            count=count,
            direction=direction,
        )
        return self.inject(fault, lasts_s=lasts_s)

    def connection_reset(self, target: str | tuple[str, str]) -> FaultInForce:
        """Established connections are reset once: all of a provider, or those between two ends."""
        return self.inject(made(ConnectionReset, "connection_reset", target=_links(target)))

    def partition(
        self,
        provider: str = PRIMARY,
        *,
        shape: Literal["full", "one_way", "partial", "clients"] = "full",
        peer: str | None = None,
        direction: Literal["to", "from", "both"] = "both",
        established: Literal["stall", "reset", "keep"] = "stall",
        new: Literal["drop", "stall", "reject", "allow"] = "drop",
        lasts_s: float | None = None,
    ) -> FaultInForce:
        """A provider's links are cut, and nobody dies.

        `full`: from all other providers. `one_way`: as full, silencing what it says (`direction="from"`) or what it is
        told (`"to"`). `partial`: from the provider `peer` alone. `clients`: from clients alone. `established` connections
        fall silent (and are severed at the end), are reset, or are kept; `new` ones go unanswered, are accepted and
        silent (`stall`), are rejected, or are allowed.
        """
        fault = made(
            Partition,
            "partition",
            shape=shape,
            target={"provider": provider},
            peer=peer,
            direction=direction,
            established=established,
            new=new,
        )
        return self.inject(fault, lasts_s=lasts_s)

    def packet_loss(
        self,
        target: str | tuple[str, str],
        *,
        share: float,
        direction: Literal["to", "from", "both"] = "both",
        lasts_s: float | None = None,
    ) -> FaultInForce:
        """Links lose a share of their packets, which are sent again: of a provider, or those between two ends."""
        fault = made(PacketLoss, "packet_loss", target=_links(target), share=share, direction=direction)
        return self.inject(fault, lasts_s=lasts_s)

    def power_cut(self, provider: str = PRIMARY, *, lasts_s: float | None = None) -> FaultInForce:
        """A provider's hosts stop without a word, and forget what no finished fsync covers; they start again at the end."""
        return self.inject(made(PowerCut, "power_cut", target={"provider": provider}), lasts_s=lasts_s)

    def disk_slow(
        self, service: str, *, latency_ms: float, jitter_ms: float = 0.0, lasts_s: float | None = None
    ) -> FaultInForce:
        """Each fsync of a service takes `latency_ms` longer, give or take `jitter_ms`."""
        fault = made(
            DiskSlow, "disk_slow", target={"service": service}, latency_ms=latency_ms, jitter_ms=jitter_ms
        )
        return self.inject(fault, lasts_s=lasts_s)

    def disk_full(self, service: str, *, restart: bool = True, lasts_s: float | None = None) -> FaultInForce:
        """A service's writes fail for want of room; the end makes some, and starts it anew unless `restart` is False."""
        fault = made(DiskFull, "disk_full", target={"service": service}, restart=restart)
        return self.inject(fault, lasts_s=lasts_s)

    def disk_lies(self, service: str, *, lasts_s: float | None = None) -> FaultInForce:
        """A service's fsyncs are reported done and do nothing; a power cut meanwhile takes what they should have kept."""
        return self.inject(made(DiskLies, "disk_lies", target={"service": service}), lasts_s=lasts_s)

    def disk_wiped(self, service: str, *, lasts_s: float | None = None) -> FaultInForce:
        """A service's host loses power, and comes back with an empty disk."""
        return self.inject(made(DiskWiped, "disk_wiped", target={"service": service}), lasts_s=lasts_s)

    def clock_drift(
        self,
        service: str,
        *,
        gains_ms: float | None = None,
        loses_ms: float | None = None,
        lasts_s: float | None = None,
    ) -> FaultInForce:
        """A service's monotonic clock gains or loses so many milliseconds each second."""
        fault = made(
            ClockDrift, "clock_drift", target={"service": service}, gains_ms=gains_ms, loses_ms=loses_ms
        )
        return self.inject(fault, lasts_s=lasts_s)


def _links(target: str | tuple[str, str]) -> dict[str, Any]:
    return {"provider": target} if isinstance(target, str) else {"link": {"between": target}}
