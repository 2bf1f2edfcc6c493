"""The scene at a fault's onset: who leads, who is who, and which services and links a target means just now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from harness.model.errors import UsageError
from harness.scenario.target import CANDIDATE, CLIENTS, OUTSIDE, PRIMARY, LinkSelector, Target
from harness.stack.description import Link, Service, Stack


class NobodyLeads(UsageError):
    """A target needs to know who leads, and no service has said so."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A stack at one instant. `primary` and `candidate` are services; `random` is the fault's own source, from the seed."""

    stack: Stack
    random: Random
    primary: str | None = None
    candidate: str | None = None
    epoch: int | None = None

    @property
    def primary_provider(self) -> str | None:
        """The provider of the service that leads."""
        return None if self.primary is None else self.stack.service(self.primary).provider

    def providers(self, word: str) -> tuple[str, ...]:
        """The providers that a word or a name means."""
        standbys = self._standbys
        match word:
            case "primary":
                return (self._provider_of(self._leader()),)
            case "candidate":
                return (self._provider_of(self._named_candidate()),)
            case "standby":
                return (self._draw(standbys(), "standby"),)
            case "standbys":
                return standbys()
            case "any":
                return (self.random.choice(self.stack.providers),)
            case name:
                return (name,)

    def services(self, target: Target) -> tuple[str, ...]:
        """The services that a target means; links mean none."""
        if target.service is not None:
            return (self._service(target.service),)
        if target.role is not None:
            members = self.stack.by_role(target.role)
            if target.provider is None:
                return _names(members)
            providers = self.providers(target.provider)
            return _names(member for member in members if member.provider in providers)
        if target.provider is not None:
            providers = self.providers(target.provider)
            return _names(service for service in self.stack.services if service.provider in providers)
        return ()

    def links(self, selector: LinkSelector) -> tuple[Link, ...]:
        """The WAN links that a selector means; a link inside one provider cannot be made faulty."""
        if selector.name is not None:
            return self._crossing([self.stack.link(selector.name)])
        if selector.between is not None:
            one, other = (self._end(word) for word in selector.between)
            return self._crossing(
                link
                for link in self.stack.links
                if (link.source in one and link.target in other)
                or (link.source in other and link.target in one)
            )
        source = None if selector.from_ is None else self._end(selector.from_)
        target = None if selector.to is None else self._end(selector.to)
        return self._crossing(
            link
            for link in self.stack.links
            if (source is None or link.source in source) and (target is None or link.target in target)
        )

    def links_of(self, target: Target) -> tuple[Link, ...]:
        """The WAN links that a target means: those named, or all that begin or end at its services."""
        if target.link is not None:
            return self.links(target.link)
        members = frozenset(self.services(target))
        return self._crossing(
            link for link in self.stack.links if (link.source in members) != (link.target in members)
        )

    def _crossing(self, links: Iterable[Link]) -> tuple[Link, ...]:
        return tuple(link for link in links if link.crosses_wan)

    def _end(self, word: str) -> frozenset[str]:
        if word == CLIENTS:
            return frozenset({CLIENTS})
        if word == OUTSIDE:
            return frozenset(_names(self.stack.by_provider(None)))
        if word in self.stack.service_names:
            return frozenset({word})
        providers = self.providers(word)
        return frozenset(_names(service for service in self.stack.services if service.provider in providers))

    def _service(self, word: str) -> str:
        match word:
            case "primary":
                return self._leader()
            case "candidate":
                return self._named_candidate()
            case "standby":
                role = self.stack.service(self._leader()).role
                others = _names(member for member in self.stack.by_role(role) if member.name != self.primary)
                return self._draw(others, "standby")
            case "any":
                return self.random.choice(self.stack.service_names)
            case name:
                return self.stack.service(name).name

    def _standbys(self) -> tuple[str, ...]:
        leader = self.stack.service(self._leader())
        hosts = {member.provider for member in self.stack.by_role(leader.role)} - {leader.provider}
        return tuple(provider for provider in self.stack.providers if provider in hosts)

    def _draw(self, among: tuple[str, ...], word: str) -> str:
        if not among:
            raise UsageError(f"nothing is a {word} in {self.stack.name}: only {self.primary} can lead")
        return self.random.choice(among)

    def _leader(self) -> str:
        if self.primary is None:
            raise NobodyLeads(
                f"the target `{PRIMARY}` means nothing now: no service of {self.stack.name} has said that it leads",
                next_step="let the adapter tell `primary_promoted` (see `Leadership`), or name a provider or service",
            )
        return self.primary

    def _named_candidate(self) -> str:
        if self.candidate is None:
            raise NobodyLeads(
                f"the target `{CANDIDATE}` means nothing now: no event has named a candidate",
                next_step="use it with `when:` and an event that has one, such as election_started",
            )
        return self.candidate

    def _provider_of(self, service: str) -> str:
        provider = self.stack.service(service).provider
        if provider is None:
            raise UsageError(f"{service} stands outside every provider")
        return provider


def _names(services: Iterable[Service]) -> tuple[str, ...]:
    return tuple(service.name for service in services)
