"""A system under test, as its compose file describes it: services, links and baseline delays, without behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, Literal, NamedTuple

from harness.model.errors import Problem, UsageError
from harness.stack.addresses import Reference, references_in
from harness.stack.wan import Wan

CLIENTS: Final = "clients"


class Health(NamedTuple):
    """Where a service says whether it is ready: an HTTP GET that answers 200, or 503 with a reason before."""

    port: int
    path: str


class Mount(NamedTuple):
    """A volume (`kind` "volume", `source` its name) or a folder of the host (`kind` "bind") at `target`."""

    kind: Literal["volume", "bind"]
    source: str
    target: str
    read_only: bool


class EntryPoint(NamedTuple):
    """Where clients send their orders in."""

    service: str
    port: int
    provider: str | None


@dataclass(frozen=True, slots=True)
class Defect:
    """A known mistake that a good suite must catch: `environment` switches it on, `caught_by` maps scenario to predicate.

    A scenario is a name of the gate, or the path of a file, from the folder of the stack's own; it runs on `platform`.
    """

    name: str
    environment: Mapping[str, str]
    caught_by: Mapping[str, str]
    platform: str = "process"


class Detector(NamedTuple):
    """The failure detector that a stack's failover rests on: `kind:setting` as `harness detectors` reads it."""

    choice: str
    heartbeat_ns: int


@dataclass(frozen=True, slots=True)
class Service:
    """One process or container. `provider` is None for what stands outside every provider."""

    name: str
    role: str
    provider: str | None
    command: tuple[str, ...]
    environment: Mapping[str, str]
    exposes: tuple[int, ...]
    mounts: tuple[Mount, ...]
    depends_on: tuple[str, ...]
    image: str | None
    health: Health | None
    process_command: tuple[str, ...] | None
    line: int
    entrypoint: tuple[str, ...] = ()
    working_dir: str | None = None

    @property
    def local_command(self) -> tuple[str, ...]:
        """What the process platform runs: `x-harness-process` if it is there, else what the container would run."""
        return self.process_command if self.process_command is not None else (*self.entrypoint, *self.command)

    def references(self) -> tuple[Reference, ...]:
        """Every address of another host that the service was given, in its environment or on a command line."""
        values = (*self.environment.values(), *self.entrypoint, *self.command, *(self.process_command or ()))
        return tuple(reference for reference in references_in(values) if reference.host != self.name)


@dataclass(frozen=True, slots=True)
class Link:
    """A directed connection: `source` (a service, or `clients`) dials `target` on `port`.

    `round_trip_ms` and `jitter_ms` are the declared baseline; both are 0 for a link inside one provider.
    """

    name: str
    source: str
    target: str
    port: int
    source_provider: str | None
    target_provider: str | None
    crosses_wan: bool
    round_trip_ms: float
    jitter_ms: float


@dataclass(frozen=True)
class Stack:
    """The whole system under test. Paths in it are relative to the folder of `path`."""

    path: Path
    name: str
    services: tuple[Service, ...]
    wan: Wan
    entry_points: tuple[EntryPoint, ...]
    adapter: str
    simulation: str | None = None
    preload: str | None = None
    ready_within_s: float = 15.0
    providers_at_once: int | None = None
    detector: Detector | None = None
    waives: Mapping[str, str] = field(default_factory=dict)
    defects: tuple[Defect, ...] = ()
    ignored: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()

    @cached_property
    def providers(self) -> tuple[str, ...]:
        """The names of all providers, sorted."""
        return tuple(sorted({service.provider for service in self.services if service.provider is not None}))

    @cached_property
    def roles(self) -> tuple[str, ...]:
        """The names of all roles, sorted."""
        return tuple(sorted({service.role for service in self.services}))

    @cached_property
    def service_names(self) -> tuple[str, ...]:
        """The names of all services, in the file's order."""
        return tuple(service.name for service in self.services)

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """Every connection that services or clients are told to make, each once, in the file's order."""
        links = [self._link(None, entry.service, entry.port) for entry in self.entry_points]
        links += [
            self._link(service, reference.host, reference.port)
            for service in self.services
            for reference in service.references()
            if reference.host in self._by_name
        ]
        return tuple({link.name: link for link in links}.values())

    @cached_property
    def link_names(self) -> tuple[str, ...]:
        """The names of all links, in the order of `links`."""
        return tuple(link.name for link in self.links)

    @cached_property
    def _by_name(self) -> dict[str, Service]:
        return {service.name: service for service in self.services}

    def service(self, name: str) -> Service:
        """The service of that name; raises `UsageError` listing the valid names."""
        try:
            return self._by_name[name]
        except KeyError:
            raise UsageError(
                f"{self.path} has no service {name!r}: it has {', '.join(self._by_name)}"
            ) from None

    def by_role(self, role: str) -> tuple[Service, ...]:
        """All services of a role, in the file's order; none is no error."""
        return tuple(service for service in self.services if service.role == role)

    def by_provider(self, provider: str | None) -> tuple[Service, ...]:
        """All services of a provider (None: those outside every provider), in the file's order."""
        return tuple(service for service in self.services if service.provider == provider)

    def link(self, name: str) -> Link:
        """The link of that name; raises `UsageError` when there is none."""
        for link in self.links:
            if link.name == name:
                return link
        raise UsageError(f"{self.path} has no link {name!r}: it has {', '.join(self.link_names)}")

    def _link(self, source: Service | None, target: str, port: int) -> Link:
        source_name = CLIENTS if source is None else source.name
        source_provider = None if source is None else source.provider
        target_provider = self._by_name[target].provider
        crosses = source_provider is None or source_provider != target_provider
        if not crosses:
            round_trip_ms = 0.0
        elif source is None:
            round_trip_ms = self.wan.clients_ms
        else:
            round_trip_ms = self.wan.between_ms(source_provider, target_provider)
        return Link(
            name=f"{source_name}--{target}-{port}",
            source=source_name,
            target=target,
            port=port,
            source_provider=source_provider,
            target_provider=target_provider,
            crosses_wan=crosses,
            round_trip_ms=round_trip_ms,
            jitter_ms=round_trip_ms * self.wan.jitter,
        )
