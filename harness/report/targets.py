"""What a fault struck, told in a few words, and in full by provider."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from harness.history.run import Run
from harness.model.events import ServiceStarted
from harness.model.units import counted

FEW: Final = 3
_ARROW: Final = "--"  # links are named `<source>--<target>-<port>`


def homes(run: Run) -> dict[str, str]:
    """Service to provider, for each service that was started inside one."""
    return {
        event.service: event.provider
        for event in run.events
        if isinstance(event, ServiceStarted) and event.provider is not None
    }


def in_short(targets: Iterable[str], providers: Mapping[str, str]) -> str:
    """The names of a few targets, else their number: `5 services and 20 links of alpha`, `8 links alpha–bravo`.

    `providers` maps services to where they run.
    """
    names = tuple(targets)
    if len(names) <= FEW:
        return ", ".join(names)
    services = [name for name in names if _ARROW not in name]
    links = [name for name in names if _ARROW in name]
    if not services:
        return counted(len(links), "link") + _between([_ends(link, providers) for link in links], providers)
    parts = [counted(len(services), "service")] + ([counted(len(links), "link")] if links else [])
    owners = sorted({providers[name] for name in services if name in providers})
    return _joined(parts) + _of(owners)


def in_full(targets: Iterable[str], providers: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Every target under what it is, services first: `services of alpha`, `links alpha–bravo`."""
    groups: dict[str, list[str]] = {}
    for name in sorted(targets, key=lambda name: _ARROW in name):
        groups.setdefault(_kind(name, providers), []).append(name)
    return {label: tuple(names) for label, names in groups.items()}


def _kind(name: str, providers: Mapping[str, str]) -> str:
    if _ARROW in name:
        return "links " + "–".join(sorted(_ends(name, providers)))
    return "services" + _of([providers[name]] if name in providers else [])


def _between(links: list[frozenset[str]], providers: Mapping[str, str]) -> str:
    """What links have in common: both ends, or the provider at one end of each, or the providers that they touch."""
    if len(set(links)) == 1:
        return " " + "–".join(sorted(links[0]))
    known = frozenset(providers.values())
    shared = frozenset.intersection(known, *links) or known & frozenset.union(*links)
    return _of(sorted(shared))


def _ends(link: str, providers: Mapping[str, str]) -> frozenset[str]:
    """The two ends of a link by provider; what runs on none (clients, sources of prices) by its own name."""
    source, _, rest = link.partition(_ARROW)
    return frozenset(providers.get(end, end) for end in (source, rest.rpartition("-")[0]))


def _of(owners: list[str]) -> str:
    return f" of {_joined(owners)}" if owners else ""


def _joined(parts: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
