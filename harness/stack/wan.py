"""The baseline of a stack's wide-area links: one declared round trip for each pair of places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Wan:
    """Round trips in milliseconds. `jitter` is a share of the round trip (0.1 is 10 %).

    `pairs` is keyed by two different providers; `clients_ms` counts from clients to any provider, `outside_ms` between a
    provider and a service that stands outside every provider, `default_ms` for what isn't said.
    """

    pairs: Mapping[frozenset[str], float] = field(default_factory=dict)
    clients_ms: float = 0.0
    outside_ms: float = 0.0
    default_ms: float = 0.0
    jitter: float = 0.0

    def between_ms(self, one: str | None, other: str | None) -> float:
        """The round trip between two places; None stands for outside every provider, one provider is 0 from itself."""
        if one is None or other is None:
            return self.outside_ms
        if one == other:
            return 0.0
        return self.pairs.get(frozenset((one, other)), self.default_ms)
