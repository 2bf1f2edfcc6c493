"""Checking a scenario against a stack: every provider, role, service and link that it names must be there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

from harness.documents.nodes import Mapping, Mark, Source, Step, place
from harness.documents.words import closest, listed
from harness.model.errors import Problem
from harness.model.quantities import Settings
from harness.scenario.scenario import Scenario, TimelineEntry
from harness.scenario.scenario import Source as TriggerSource
from harness.scenario.target import (
    CANDIDATE,
    LINK_END_WORDS,
    PROVIDER_WORDS,
    SERVICE_WORDS,
    STANDBYS,
    LinkSelector,
    Target,
)


class StackNames(Protocol):
    """What must be known of a stack; `harness.stack.description.Stack` has it."""

    @property
    def providers(self) -> Sequence[str]: ...
    @property
    def roles(self) -> Sequence[str]: ...
    @property
    def service_names(self) -> Sequence[str]: ...
    @property
    def link_names(self) -> Sequence[str]: ...
    @property
    def providers_at_once(self) -> int | None: ...


def validate_against(scenario: Scenario, stack: StackNames) -> list[Problem]:
    """Every name in the scenario that the stack doesn't have, and a blast radius above the stack's limit."""
    return [
        problem for check in (_names, _allowed_exits, _blast_radius) for problem in check(scenario, stack)
    ]


def _names(scenario: Scenario, stack: StackNames) -> Iterator[Problem]:
    for index, entry in enumerate(scenario.timeline):
        for path, settings in _nested(entry.parameters):
            at = ("timeline", index, *path)
            if isinstance(settings, Target):
                yield from _target(scenario, at, settings, stack)
            elif isinstance(settings, LinkSelector):
                yield from _selector(scenario, at, settings, stack)
            if isinstance(settings, (Target, LinkSelector)):
                yield from _candidate(scenario, at, entry, settings)


def _nested(settings: Settings) -> Iterator[tuple[tuple[Step, ...], Settings]]:
    """The settings inside a fault's settings, with the keys that lead to them in the file."""
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        key = field.alias or name
        values = enumerate(value) if isinstance(value, (list, tuple)) else [(None, value)]
        for index, item in values:
            if isinstance(item, Settings):
                path: tuple[Step, ...] = (key,) if index is None else (key, index)
                yield path, item
                yield from (((*path, *below), inner) for below, inner in _nested(item))


def _target(scenario: Scenario, at: tuple[Step, ...], target: Target, stack: StackNames) -> Iterator[Problem]:
    checks = (
        ("provider", target.provider, stack.providers, PROVIDER_WORDS),
        ("role", target.role, stack.roles, ()),
        ("service", target.service, stack.service_names, SERVICE_WORDS),
    )
    for kind, word, names, words in checks:
        if word is not None and word not in names and word not in words:
            yield _unknown(scenario, (*at, kind), kind, word, names, words)


def _selector(
    scenario: Scenario, at: tuple[Step, ...], links: LinkSelector, stack: StackNames
) -> Iterator[Problem]:
    if links.name is not None and links.name not in stack.link_names:
        yield _unknown(scenario, (*at, "name"), "link", links.name, stack.link_names, ())
    names = (*stack.providers, *stack.service_names)
    for path, end in links.ends():
        if end not in names and end not in LINK_END_WORDS:
            yield _unknown(scenario, (*at, *path), "provider or service", end, names, LINK_END_WORDS)


def _candidate(
    scenario: Scenario, at: tuple[Step, ...], entry: TimelineEntry, target: Target | LinkSelector
) -> Iterator[Problem]:
    if isinstance(target, Target) and target.link is not None:
        return  # the link's own selector tells it
    words = target.words() if isinstance(target, Target) else (end for _, end in target.ends())
    known = entry.when is not None and entry.when.source is TriggerSource.STACK
    if CANDIDATE in words and not known:
        yield _mark(scenario, at).problem(
            f"`{CANDIDATE}` is known only after an event of the stack: strike with `when: {{event: …}}`"
        )


def _allowed_exits(scenario: Scenario, stack: StackNames) -> Iterator[Problem]:
    valid = (*stack.service_names, *stack.roles)
    for index, name in enumerate(scenario.allow.exits):
        if name not in valid:
            yield _unknown(scenario, ("allow", "exits", index), "service or role", name, valid, ())


def _blast_radius(scenario: Scenario, stack: StackNames) -> Iterator[Problem]:
    """Providers that are struck as a whole at the same time, as far as the timeline alone tells."""
    limit = stack.providers_at_once
    if limit is None:
        return
    spans = [(*_span(entry, scenario), _struck(entry, stack)) for entry in scenario.timeline]
    for index, (onset_s, _, _) in enumerate(spans):
        at_once = [who for start_s, end_s, who in spans if start_s <= onset_s < end_s]
        struck = min(len(frozenset().union(*at_once)), len(stack.providers))
        if struck > limit and spans[index][2]:
            yield _mark(scenario, ("timeline", index)).problem(
                f"{struck} providers are struck at once; the stack's limit (`providers_at_once`) is {limit}"
            )
            return


def _span(entry: TimelineEntry, scenario: Scenario) -> tuple[float, float]:
    """When a fault may be in force: the whole run for one that waits for a moment."""
    if entry.at_s is None:
        return scenario.steady_state.for_s, scenario.ends_s
    return entry.at_s, scenario.ends_s if entry.lasts_s is None else entry.at_s + entry.lasts_s


def _struck(entry: TimelineEntry, stack: StackNames) -> frozenset[str]:
    target = getattr(entry.parameters, "target", None)
    if not isinstance(target, Target) or target.provider is None or target.role is not None:
        return frozenset()
    if target.provider == STANDBYS:
        return frozenset(f"{STANDBYS}-{number}" for number in range(len(stack.providers) - 1))
    return frozenset({target.provider})


def _unknown(
    scenario: Scenario,
    path: tuple[Step, ...],
    kind: str,
    word: str,
    names: Sequence[str],
    words: Collection[str],
) -> Problem:
    near = closest(word, (*names, *words))
    hint = "" if near else f": it has {listed(names)}"
    return _mark(scenario, path).problem(f"the stack has no {kind} {word!r}{hint}", closest=near)


def _mark(scenario: Scenario, path: tuple[Step, ...]) -> Mark:
    """The place in the file, or its first line for a scenario that was made in Python."""
    node: Mapping | None = scenario.node
    return place(node, path) if node is not None else Mark(Source(str(scenario.path), ""), 1, 1, 1)
