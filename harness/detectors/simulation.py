"""Heartbeats of a simulated world: from a seed, the same trace on any machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np

from harness.detectors.trace import HOUR_NS, Floats, Ints, Life, Trace, ints
from harness.detectors.world import World
from harness.model.units import counted

Lengths: TypeAlias = Callable[[int], Floats]
"""From how many to that many lengths, in milliseconds."""

MS: Final = 1_000_000
S: Final = 1_000_000_000
WAKE_NS: Final = 100_000
"""What was waiting in the sockets is read so long after a watcher runs again: timers come first, as in libuv."""
AFTER_NS: Final = 30 * S
"""How long a dead sender is watched: longer than any setting of a curve takes."""


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Times that don't overlap, in order."""

    from_ns: Ints
    until_ns: Ints

    def containing(self, at_ns: Ints) -> tuple[Ints, Ints]:
        """Which of the moments lie in a span (their indices), and in which."""
        if not len(self.until_ns):
            return ints([]), ints([])
        after = np.minimum(np.searchsorted(self.until_ns, at_ns, side="right"), len(self.until_ns) - 1)
        inside = np.flatnonzero((self.from_ns[after] <= at_ns) & (at_ns < self.until_ns[after]))
        return inside, after[inside]


def simulate(world: World, *, hours: float, deaths: int, heartbeat_ns: int, seed: int) -> Trace:
    """A trace of about `hours` in which the sender dies so many times, each at a random moment, and begins a new life.

    The lengths of its lives are spread evenly from half to one and a half times their mean. Every life has at least one
    heartbeat. The worlds differ in their names' part of the seed, so that none repeats another's randomness.
    """
    chance = np.random.default_rng([seed, *world.name.encode()])
    mean_ns = hours * HOUR_NS / deaths
    lives: list[Life] = []
    while len(lives) < deaths:
        life = _live(world, chance, round(mean_ns * chance.uniform(0.5, 1.5)), heartbeat_ns)
        if life is not None:
            lives.append(replace(life, sender=f"sender {len(lives) + 1}"))  # each on a clock of its own
    told = f"simulated: {world.told}; seed {seed}, {counted(deaths, 'death')}"
    return Trace(world.name, told, heartbeat_ns, tuple(lives))


def _live(world: World, chance: np.random.Generator, died_ns: int, heartbeat_ns: int) -> Life | None:
    """One life from its first heartbeat to its death, and the silence after; None when nothing of it was heard."""
    ended_ns = died_ns + AFTER_NS
    own, peer = _pauses(world, chance, ended_ns)
    slots, sent_ns = _sent(peer, heartbeat_ns, died_ns)
    arrived_ns, kept = _carried(world, chance, sent_ns, ended_ns)
    slots = slots[kept]
    heard_ns = _heard(arrived_ns, own)
    watched = heard_ns < ended_ns
    heard_ns, slots = heard_ns[watched], slots[watched]
    if not len(heard_ns) or heard_ns[0] >= died_ns:
        return None
    noted = np.flatnonzero(own.until_ns > heard_ns[0])
    until_ns = own.until_ns[noted]
    return Life(heard_ns, slots, until_ns, until_ns - own.from_ns[noted], died_ns, ended_ns)


def _sent(peer: Spans, heartbeat_ns: int, died_ns: int) -> tuple[Ints, Ints]:
    """Slots of the schedule, and when their heartbeats left: a paused sender sends one when it wakes, and goes on."""
    slots = np.arange(died_ns // heartbeat_ns + 1)
    sent_ns = slots * heartbeat_ns
    inside, span = peer.containing(sent_ns)
    sent_ns[inside] = peer.until_ns[span]
    left = np.ones(len(slots), dtype=np.bool_)
    left[inside[1:][np.diff(span) == 0]] = False
    left &= sent_ns < died_ns
    return slots[left], sent_ns[left]


def _carried(world: World, chance: np.random.Generator, sent_ns: Ints, end_ns: int) -> tuple[Ints, Ints]:
    """When heartbeats arrived, and the indices of those that did."""
    lost = chance.random(len(sent_ns)) < world.loss
    bursts = _happenings(chance, world.bursts_per_h, end_ns, lambda n: chance.exponential(world.burst_ms, n))
    lost[bursts.containing(sent_ns)[0]] = True
    delay_ms = world.delay_ms + chance.exponential(world.jitter_ms, len(sent_ns))
    spikes = _happenings(
        chance, world.spikes_per_h, end_ns, lambda n: chance.exponential(world.spike_for_ms, n)
    )
    delay_ms[spikes.containing(sent_ns)[0]] += world.spike_ms
    arrived_ns = sent_ns + (delay_ms * MS).astype(np.int64)
    stalls = _happenings(
        chance, world.stalls_per_h, end_ns, lambda n: chance.uniform(0, world.stall_most_ms, n)
    )
    inside, span = stalls.containing(arrived_ns)
    arrived_ns[inside] = stalls.until_ns[span]
    kept = np.flatnonzero(~lost)
    return np.maximum.accumulate(arrived_ns[kept]), kept


def _heard(arrived_ns: Ints, own: Spans) -> Ints:
    """When the watcher got to what arrived."""
    inside, span = own.containing(arrived_ns)
    heard_ns = arrived_ns.copy()
    heard_ns[inside] = own.until_ns[span] + WAKE_NS
    return np.maximum.accumulate(heard_ns)


def _pauses(world: World, chance: np.random.Generator, end_ns: int) -> tuple[Spans, Spans]:
    """When the watcher did not run, and when the sender did not."""

    def lengths(count: int) -> Floats:
        return chance.lognormal(np.log(world.pause_ms), world.pause_sigma, count)

    host = _happenings(chance, world.host_pauses_per_h, end_ns, lengths)
    spells = _happenings(
        chance, world.spells_per_h, end_ns, lambda n: chance.exponential(world.spell_s * 1000, n)
    )
    ends = []
    for per_h in (world.own_pauses_per_h, world.peer_pauses_per_h):
        alone = _happenings(chance, per_h, end_ns, lengths)
        crowded = _happenings(
            chance, world.pauses_per_s * 3600 if len(spells.from_ns) else 0, end_ns, lengths
        )
        inside, _ = spells.containing(crowded.from_ns)
        ends.append(
            _union(
                np.concatenate([host.from_ns, alone.from_ns, crowded.from_ns[inside]]),
                np.concatenate([host.until_ns, alone.until_ns, crowded.until_ns[inside]]),
            )
        )
    return ends[0], ends[1]


def _happenings(chance: np.random.Generator, per_h: float, end_ns: int, lengths_ms: Lengths) -> Spans:
    """Spans that begin as a Poisson process does; those that overlap become one."""
    count = int(chance.poisson(per_h * end_ns / HOUR_NS)) if per_h else 0
    begin_ns = chance.integers(0, end_ns, size=count)
    return _union(begin_ns, begin_ns + (lengths_ms(count) * MS).astype(np.int64) + 1)


def _union(from_ns: Ints, until_ns: Ints) -> Spans:
    """The same times without overlaps."""
    order = np.argsort(from_ns, kind="stable")
    from_ns, until_ns = from_ns[order], np.maximum.accumulate(until_ns[order])
    apart = np.ones(len(order), dtype=np.bool_)
    apart[1:] = from_ns[1:] > until_ns[:-1]
    starts = np.flatnonzero(apart)
    return Spans(from_ns[starts], until_ns[np.append(starts[1:], len(order))[: len(starts)] - 1])
