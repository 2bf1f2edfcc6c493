"""Worlds in which heartbeats are simulated: what delays them, loses them, and stops the processes at either end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from harness.documents.words import closest
from harness.model.errors import UsageError


@dataclass(frozen=True, slots=True)
class World:
    """Happenings come independently at so many an hour; lengths of bursts and spikes are exponential with these means.

    A heartbeat takes `delay_ms` and an exponential `jitter_ms`, and overtakes none before it. In a burst all are lost; in
    a spike each takes `spike_ms` more; a stall holds all back until it is over, for up to `stall_most_ms`. Pauses stop a
    process: the watcher's own, the sender's (peer), or both at once (host). In a busy spell both ends are paused
    `pauses_per_s` times a second each, independently. Lengths of pauses are lognormal.
    """

    name: str
    told: str
    delay_ms: float = 2.5
    jitter_ms: float = 0.25
    loss: float = 0.0
    bursts_per_h: float = 0.0
    burst_ms: float = 60.0
    spikes_per_h: float = 0.0
    spike_for_ms: float = 3000.0
    spike_ms: float = 40.0
    stalls_per_h: float = 0.0
    stall_most_ms: float = 200.0
    own_pauses_per_h: float = 0.0
    peer_pauses_per_h: float = 0.0
    host_pauses_per_h: float = 0.0
    pause_ms: float = 40.0
    pause_sigma: float = 0.9
    spells_per_h: float = 0.0
    spell_s: float = 5.0
    pauses_per_s: float = 3.0


QUIET: Final = World(
    "quiet", "a good link between good machines: jitter, and one heartbeat in 10,000 lost", loss=1e-4
)
ROUGH: Final = replace(
    QUIET,
    name="rough",
    told="a bad link between good machines: loss, also in bursts; latency spikes; stalls of up to 200 ms",
    jitter_ms=1.0,
    loss=5e-3,
    bursts_per_h=12,
    spikes_per_h=12,
    stalls_per_h=60,
)
BUSY: Final = replace(
    QUIET,
    name="busy",
    told="a good link between busy machines: pauses of the watcher, of the sender and of both, also in spells",
    own_pauses_per_h=60,
    peer_pauses_per_h=20,
    host_pauses_per_h=60,
    spells_per_h=12,
)
WORLDS: Final = (QUIET, ROUGH, BUSY)


def world_named(name: str) -> World:
    """The world of that name; raises `UsageError` listing the valid ones."""
    for world in WORLDS:
        if world.name == name:
            return world
    names = [world.name for world in WORLDS]
    near = closest(name, names)
    hint = f"; did you mean {near!r}?" if near else ""
    raise UsageError(f"there is no world {name!r}{hint}", next_step=f"choose one of {', '.join(names)}")
