"""The fewest and simplest actions under which the same rule is still broken. The same schedule always shrinks alike.

Actions are removed by delta debugging (A. Zeller and R. Hildebrandt, "Simplifying and Isolating Failure-Inducing
Input", 2002); then the load, the clocks and the numbers of each action are made simpler as long as the rule stays broken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from trading_stack.simulation.network import MS
from trading_stack.simulation.schedule import Action, At, Load, Schedule, When

Breaks = Callable[[Schedule], bool]
GRAINS_NS: Final = (100 * MS, 10 * MS, MS)
replace = msgspec.structs.replace


def shrunk(schedule: Schedule, breaks: Breaks) -> Schedule:
    """A schedule from which nothing can be taken without mending it; `breaks` tells whether it is still broken.

    Raises `ValueError` when the schedule breaks nothing in the first place.
    """
    if not breaks(schedule):
        raise ValueError("the schedule to shrink breaks no rule: shrink one that does")
    before = None
    while schedule != before:
        before = schedule
        schedule = _fewer(schedule, breaks)
        schedule = _first_that_breaks(schedule, _simpler_wholes, breaks)
        schedule = _simpler_actions(schedule, breaks)
    return schedule


def _fewer(schedule: Schedule, breaks: Breaks) -> Schedule:
    """Leave out ever smaller groups of actions."""
    size = max(1, len(schedule.actions) // 2)
    while True:
        start = 0
        while start < len(schedule.actions):
            actions = schedule.actions[:start] + schedule.actions[start + size :]
            candidate = replace(schedule, actions=actions)
            if breaks(candidate):
                schedule = candidate
            else:
                start += size
        if size == 1:
            return schedule
        size = max(1, size // 2)


def _first_that_breaks(
    schedule: Schedule, simpler: Callable[[Schedule], Iterator[Schedule]], breaks: Breaks
) -> Schedule:
    """Take each simpler form that still breaks the rule."""
    for candidate in simpler(schedule):
        if candidate != schedule and breaks(candidate):
            return _first_that_breaks(candidate, simpler, breaks)
    return schedule


def _simpler_wholes(schedule: Schedule) -> Iterator[Schedule]:
    yield replace(schedule, drift_ppm=0)
    yield replace(schedule, load=Load(0, 0, 0.0))
    yield replace(schedule, load=replace(schedule.load, reads_per_s=0))
    yield replace(schedule, load=replace(schedule.load, commands_per_s=schedule.load.commands_per_s // 2))
    latest = max(
        [100 * MS, *(action.moment.ns for action in schedule.actions if isinstance(action.moment, At))]
    )
    if latest + 100 * MS < schedule.storm_ns:
        yield replace(schedule, storm_ns=(latest // (100 * MS) + 1) * 100 * MS)


def _simpler_actions(schedule: Schedule, breaks: Breaks) -> Schedule:
    for place in range(len(schedule.actions)):

        def simpler(whole: Schedule, place: int = place) -> Iterator[Schedule]:
            for action in _simpler(whole.actions[place]):
                actions = (*whole.actions[:place], action, *whole.actions[place + 1 :])
                yield replace(whole, actions=actions)

        schedule = _first_that_breaks(schedule, simpler, breaks)
    return schedule


def _simpler(action: Action) -> Iterator[Action]:
    """The same action with one number rounder or smaller."""
    moment, fault = action.moment, action.fault
    if isinstance(moment, When):
        if moment.after_ns:
            yield replace(action, moment=replace(moment, after_ns=0))
        if moment.from_ns:
            yield replace(action, moment=replace(moment, from_ns=0))
        for rounder in _rounder(moment.from_ns):
            yield replace(action, moment=replace(moment, from_ns=rounder))
    else:
        for rounder in _rounder(moment.ns):
            yield replace(action, moment=At(rounder))
    for rounder in _rounder(fault.lasts_ns):
        if rounder:
            yield replace(action, fault=replace(fault, lasts_ns=rounder))
    count = getattr(fault, "count", 1)
    if count > 1:
        yield replace(action, fault=replace(fault, count=count // 2))


def _rounder(time_ns: int) -> Iterator[int]:
    for grain_ns in GRAINS_NS:
        rounded = time_ns // grain_ns * grain_ns
        if rounded == time_ns:
            return
        yield rounded
