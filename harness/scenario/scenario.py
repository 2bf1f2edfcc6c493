"""A scenario: load, a timeline of faults, and what is expected; one variant of a file, complete and frozen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeAlias

from harness.documents import nodes
from harness.model.quantities import Settings
from harness.scenario.settings import AbortWhen, Allow, Load, SteadyState

Value: TypeAlias = bool | int | float | str | None


class Source(StrEnum):
    """What a trigger waits for."""

    STACK = "stack"
    ONSET = "onset"
    END = "end"


@dataclass(frozen=True, slots=True)
class Trigger:
    """A moment that a fault waits for: an event of the stack, or the onset or end of the entry `event`."""

    event: str
    after_s: float
    source: Source

    @property
    def key(self) -> str:
        """The moment as one word: `election_started`, `outage.onset`, `outage.end`."""
        return self.event if self.source is Source.STACK else f"{self.event}.{self.source}"

    def __str__(self) -> str:
        return f"{self.key} + {self.after_s * 1000:g} ms"


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One fault: its onset (`at_s` from the start of the load, or `when`), its settings, and how long it lasts.

    `lasts_s` None means until the scenario ends, or, for a fault that is instant, no time at all.
    """

    id: str
    at_s: float | None
    when: Trigger | None
    fault: str
    parameters: Settings
    lasts_s: float | None


@dataclass(frozen=True, slots=True)
class Scenario:
    """One run's worth of a scenario file: `variant` has the values of its `parameters`, already put in place."""

    name: str
    summary: str
    tags: tuple[str, ...]
    path: Path
    load: Load
    steady_state: SteadyState
    timeline: tuple[TimelineEntry, ...]
    ends_s: float
    timeout_s: float
    expect: Mapping[str, Settings]
    abort_when: AbortWhen | None
    allow: Allow
    seed: int
    variant: Mapping[str, Value] = field(default_factory=dict)
    node: nodes.Mapping | None = field(default=None, repr=False, compare=False)

    @property
    def variant_text(self) -> str:
        """The variant as people write it: `mode=frozen`, empty for a file without `parameters`."""
        return "-".join(f"{name}={shown(value)}" for name, value in self.variant.items())

    @property
    def id(self) -> str:
        """The name with its variant: `outage[mode=frozen]`."""
        return f"{self.name}[{self.variant_text}]" if self.variant else self.name

    def matches(self, *, tags: Iterable[str] = (), keyword: str | None = None) -> bool:
        """Whether it is among those that a person asked for: by any of these tags, and by a part of its id.

        Neither asked for means every scenario.
        """
        wanted = set(tags)
        return (not wanted or bool(wanted & set(self.tags))) and (keyword is None or keyword in self.id)

    def with_seed(self, seed: int) -> Scenario:
        """The same scenario with other random choices."""
        return replace(self, seed=seed)

    def resolved_document(self) -> dict[str, Any]:
        """The whole scenario as a document: variables put in place, defaults and seed written out.

        `from_document` reads it back, so that an old run can be judged again.
        """
        document: dict[str, Any] = {"scenario": self.name, "summary": self.summary, "tags": list(self.tags)}
        if self.variant:
            document["parameters"] = {name: [value] for name, value in self.variant.items()}
        document["load"] = _written(self.load)
        document["steady_state"] = _written(self.steady_state)
        document["timeline"] = [_entry(entry) for entry in self.timeline]
        document |= {"ends": _seconds(self.ends_s), "timeout": _seconds(self.timeout_s)}
        document["expect"] = {name: _written(expectation) for name, expectation in self.expect.items()}
        if self.abort_when is not None:
            document["abort_when"] = _written(self.abort_when)
        return document | {"allow": _written(self.allow), "seed": self.seed}


def default_seed(name: str) -> int:
    """A stable seed for a name, from 0 to 2³² - 1, the same on every machine and in every release.

    >>> default_seed("primary-provider-outage")
    2022367571
    """
    return int.from_bytes(blake2b(name.encode(), digest_size=4).digest(), "big")


def shown(value: Value) -> str:
    """A parameter's value as a person would write it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _entry(entry: TimelineEntry) -> dict[str, Any]:
    document: dict[str, Any] = {"id": entry.id}
    if entry.when is not None:
        document["when"] = {"event": entry.when.key, "after": _seconds(entry.when.after_s)}
    elif entry.at_s is not None:
        document["at"] = _seconds(entry.at_s)
    document |= {"fault": entry.fault, **_written(entry.parameters)}
    return document if entry.lasts_s is None else document | {"lasts": _seconds(entry.lasts_s)}


def _written(settings: Settings) -> dict[str, Any]:
    return settings.model_dump(mode="json", by_alias=True, exclude_none=True)


def _seconds(value_s: float) -> str:
    return f"{int(value_s) if value_s == int(value_s) else value_s!r}s"
