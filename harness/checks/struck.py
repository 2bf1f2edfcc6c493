"""Whom a fault struck, from the services and links that it touched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from harness.history.run import Run
from harness.model.events import FaultInjected, ServiceStarted

_CLIENTS: Final = "clients"
_ARROW: Final = "--"  # links are named `<source>--<target>-<port>`
_TAKES_NOTHING_AWAY: Final = frozenset({"latency", "connection_reset"})
"""Faults after which a gateway must still answer: late, or over a new connection."""


def struck_gateways(run: Run) -> frozenset[str]:
    """Gateways of which nobody can expect an answer while a fault of this run lasts.

    A gateway is struck when a fault touched its service, the links that clients reach it by, or its provider. A fault of
    links strikes a provider when every link between services that it touched begins or ends there: a partition of alpha
    touches links of bravo, too, but strikes alpha. A fault that touches both ends alike strikes both. A latency or a reset
    takes nothing away.
    """
    gateways = run.meta.entry_points
    places = _places(run)
    found: set[str] = set()
    for event in run.events:
        if isinstance(event, FaultInjected) and event.fault not in _TAKES_NOTHING_AWAY:
            found |= struck_by(event.targets, gateways, places)
    return frozenset(found)


def struck_services(run: Run, targets: Iterable[str]) -> frozenset[str]:
    """Every service that a fault's targets strike, directly or through the links of its provider."""
    places = _places(run)
    kept = tuple(targets)
    direct = {target for target in kept if target in places}
    providers = _cut_off(kept, places)
    return frozenset(direct | {service for service, provider in places.items() if provider in providers})


def struck_by(
    targets: Iterable[str], gateways: Mapping[str, str | None], places: Mapping[str, str | None]
) -> set[str]:
    """The gateways that one fault's targets (services and links) strike."""
    kept = tuple(targets)
    found = {gateway for gateway in gateways if gateway in kept}
    found |= {gateway for gateway in gateways if any(_from_clients(target, gateway) for target in kept)}
    providers = _cut_off(kept, places)
    return found | {gateway for gateway, provider in gateways.items() if provider in providers}


def _places(run: Run) -> dict[str, str | None]:
    return {event.service: event.provider for event in run.events if isinstance(event, ServiceStarted)}


def _from_clients(target: str, gateway: str) -> bool:
    return target.startswith(f"{_CLIENTS}{_ARROW}{gateway}-")


def _cut_off(targets: tuple[str, ...], places: Mapping[str, str | None]) -> set[str]:
    """Providers at one end of every link between services that was touched."""
    ends = [
        {provider for provider in (places.get(end) for end in _ends(target)) if provider is not None}
        for target in targets
        if _ARROW in target and not target.startswith(_CLIENTS + _ARROW)
    ]
    return set.intersection(*ends) if ends else set()


def _ends(link: str) -> tuple[str, str]:
    source, _, target = link.partition(_ARROW)
    return source, target.rpartition("-")[0]
