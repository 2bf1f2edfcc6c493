"""What the processes around a stack are told: pure functions of a run's setup and of where its stack can be reached."""

from __future__ import annotations

from pathlib import Path

from harness.engine.leader import Leader
from harness.engine.setup import Setup
from harness.load.plan import GatewayAddress
from harness.load.session import LoadSettings
from harness.observe.plan import CollectPlan, Endpoint, ObserverPlan, ServiceLog
from harness.platforms.contract import Site
from harness.stack.description import Stack


def load_settings(setup: Setup) -> LoadSettings:
    """What load to make."""
    load = setup.scenario.load
    return LoadSettings(
        adapter=setup.adapter,
        seed=setup.scenario.seed,
        profile=load.profile,
        orders_per_s=load.orders_per_s,
        probe_every_ns=round(load.probe_every_ms * 1e6),
        base=_base(setup.stack),
    )


def gateways(stack: Stack, site: Site) -> list[GatewayAddress]:
    """Where clients dial, through the WAN."""
    return [
        GatewayAddress(entry.service, entry.provider, *site.entry_points[entry.service])
        for entry in stack.entry_points
    ]


def first_gateway(stack: Stack, leader: Leader) -> str:
    """The gateway beside the primary: where a client stands that the primary's outage hits hardest."""
    provider = None if leader.service is None else stack.service(leader.service).provider
    near = [entry.service for entry in stack.entry_points if entry.provider == provider]
    return next(iter(near), stack.entry_points[0].service)


def endpoints(stack: Stack, site: Site, role: str) -> list[Endpoint]:
    """Where the services of a role can be asked, past the WAN."""
    return [
        Endpoint(service.name, service.provider, *site.observed[service.name])
        for service in stack.by_role(role)
        if service.name in site.observed
    ]


def observer_plan(setup: Setup, site: Site, folder: Path) -> ObserverPlan:
    """Whose output to follow."""
    return ObserverPlan(
        adapter=setup.adapter,
        folder=str(folder),
        logs=tuple(ServiceLog(service, str(path)) for service, path in site.logs.items()),
        base=_base(setup.stack),
    )


def collect_plan(setup: Setup, site: Site, folder: Path) -> CollectPlan:
    """Whose end state to read."""
    return CollectPlan(
        adapter=setup.adapter,
        folder=str(folder),
        engines=tuple(endpoints(setup.stack, site, "engine")),
        entry_points=tuple(
            Endpoint(entry.service, entry.provider, *site.entry_points[entry.service])
            for entry in setup.stack.entry_points
        ),
        base=_base(setup.stack),
    )


def _base(stack: Stack) -> str:
    return str(stack.path.resolve().parent)
