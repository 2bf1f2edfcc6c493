"""What load a stack can be given: orders on its market, or operations on its registers, as its adapter declares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from harness.load.flow import OrderFlow
from harness.load.plan import FlowPlan
from harness.load.probes import probes
from harness.load.profiles import profile_named
from harness.load.register_flow import RegisterFlow, register_probes
from harness.load.timed import TimedOperation
from harness.model.errors import AdapterError
from harness.model.instrument import Instrument
from harness.model.operations import RegisterKind
from harness.stack.adapter import Market, Registers


class Workload(Protocol):
    """The streams of one kind of stack."""

    def flow(
        self, plan: FlowPlan, gateways: Sequence[str], *, seed: int, worker: str
    ) -> Iterable[TimedOperation]:
        """What clients do, by due time; never ends."""

    def probes(
        self, gateways: Sequence[str], *, first_gateway: str, every_ns: int
    ) -> Iterator[TimedOperation]:
        """What measures whether clients are served; never ends."""


class OrderWorkload:
    """Orders on these instruments."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        self.instruments = tuple(instruments)

    def flow(
        self, plan: FlowPlan, gateways: Sequence[str], *, seed: int, worker: str
    ) -> Iterable[TimedOperation]:
        profile = profile_named(plan.profile)
        return OrderFlow(
            self.instruments, gateways, profile=profile, per_s=plan.per_s, seed=seed, worker=worker
        )

    def probes(
        self, gateways: Sequence[str], *, first_gateway: str, every_ns: int
    ) -> Iterator[TimedOperation]:
        return probes(self.instruments, gateways, first_gateway=first_gateway, every_ns=every_ns)


class RegisterWorkload:
    """These kinds of operations on registers."""

    def __init__(self, kinds: Sequence[RegisterKind]) -> None:
        self.kinds = tuple(kinds)

    def flow(
        self, plan: FlowPlan, gateways: Sequence[str], *, seed: int, worker: str
    ) -> Iterable[TimedOperation]:
        profile = profile_named(plan.profile)
        return RegisterFlow(self.kinds, gateways, profile=profile, per_s=plan.per_s, seed=seed, worker=worker)

    def probes(
        self, gateways: Sequence[str], *, first_gateway: str, every_ns: int
    ) -> Iterator[TimedOperation]:
        return register_probes(gateways, first_gateway=first_gateway, every_ns=every_ns)


def workload_of(adapter: object) -> Workload:
    """The load for an adapter's stack; raises `AdapterError` when it declares neither a market nor registers."""
    if isinstance(adapter, Registers):
        return RegisterWorkload(_kinds_of(adapter))
    return OrderWorkload(market_of(adapter))


def market_of(adapter: object) -> list[Instrument]:
    """The instruments that an adapter lists; raises `AdapterError` when it can't say."""
    if not isinstance(adapter, Market):
        raise AdapterError(
            f"{type(adapter).__name__} doesn't say what can be traded",
            next_step="give it a method market() that lists its instruments (harness.stack.adapter.Market), "
            "or registers(), if it stores registers instead of orders (harness.stack.adapter.Registers)",
        )
    instruments = adapter.market()
    if not instruments:
        raise AdapterError(f"{type(adapter).__name__}.market() lists no instrument")
    return instruments


def _kinds_of(adapter: Registers) -> tuple[RegisterKind, ...]:
    kinds = adapter.registers()
    name = f"{type(adapter).__name__}.registers()"
    if strange := [kind for kind in kinds if kind not in tuple(RegisterKind)]:
        raise AdapterError(f"{name} lists {strange[0]!r}: the kinds are {', '.join(RegisterKind)}")
    if missing := {RegisterKind.READ, RegisterKind.WRITE} - set(kinds):
        raise AdapterError(f"{name} lists no {min(missing)}: without reads and writes nothing can be judged")
    return tuple(RegisterKind(kind) for kind in kinds)
