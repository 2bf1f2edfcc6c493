"""What is left after shrinking still breaks the same rule, and nothing can be taken from it."""

from __future__ import annotations

import msgspec
import pytest

from trading_stack.defects import Defect
from trading_stack.simulation import faults as f
from trading_stack.simulation.directed import DIRECTED
from trading_stack.simulation.network import MS
from trading_stack.simulation.playing import run
from trading_stack.simulation.schedule import Action, At, Load, Schedule, When
from trading_stack.simulation.shrinking import shrunk


def needs(*needed: str, lasting_ns: int = 0) -> object:
    """A rule that is broken whenever these kinds of fault are there, each lasting long enough."""

    def breaks(schedule: Schedule) -> bool:
        found = [type(a.fault).__name__ for a in schedule.actions if a.fault.lasts_ns >= lasting_ns]
        return all(name in found for name in needed)

    return breaks


def noisy() -> Schedule:
    kinds = (f.Kill, f.Freeze, f.Isolate, f.Stall, f.PowerCut, f.Reset, f.Wipe)
    actions = [Action(At(123_456_789 + place), kinds[place % 7](lasts_ns=77_777_777)) for place in range(20)]
    actions.append(Action(When("log_sealed", 2, 12_345), f.Propose(count=17, lasts_ns=77_777_777)))
    return Schedule(seed=1, actions=tuple(actions), load=Load(), drift_ppm=77)


def test_only_what_is_needed_is_left() -> None:
    small = shrunk(noisy(), needs("Stall", "Propose", lasting_ns=1_500_000))  # type: ignore[arg-type]
    assert [type(action.fault).__name__ for action in small.actions] == ["Stall", "Propose"]
    stall, propose = small.actions
    assert stall.moment == At(100 * MS)
    assert stall.fault.lasts_ns == 70 * MS
    assert propose.moment == When("log_sealed", 2, 0)
    assert isinstance(propose.fault, f.Propose)
    assert propose.fault.count == 1
    assert (small.drift_ppm, small.load, small.storm_ns) == (0, Load(0, 0, 0.0), 200 * MS)


def test_shrinking_is_deterministic() -> None:
    breaks = needs("Kill", "Wipe")
    assert shrunk(noisy(), breaks) == shrunk(noisy(), breaks)  # type: ignore[arg-type]


def test_a_schedule_that_breaks_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="shrink one that does"):
        shrunk(noisy(), needs("Certify"))  # type: ignore[arg-type]


def test_a_real_schedule_shrinks_to_its_cause() -> None:
    case = DIRECTED[Defect.NO_FENCING]
    clutter = (
        Action(At(700 * MS), f.Reset(node="charlie")),
        Action(At(900 * MS), f.SlowDisk(100 * MS, "bravo")),
    )
    schedule = msgspec.structs.replace(case.schedule, actions=(*case.schedule.actions, *clutter))

    def breaks(candidate: Schedule) -> bool:
        finding = run(candidate, frozenset({case.defect}), judged=frozenset({case.rule})).finding
        return finding is not None

    small = shrunk(schedule, breaks)
    kinds = {type(action.fault) for action in small.actions}
    assert not kinds & {f.Reset, f.SlowDisk}
    assert len(small.actions) <= len(case.schedule.actions)
    assert breaks(small)
