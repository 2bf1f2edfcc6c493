"""What counts as time under disturbance of the protocol alone, and what as a false failover."""

from __future__ import annotations

import false_failovers
import msgspec
import pytest
from harmless_schedules import Disturbed, union_ns

from trading_stack.simulation import faults as f
from trading_stack.simulation.directed import at
from trading_stack.simulation.harmless import DISTURBANCES, PROMISED, disturbance, harmless, spans
from trading_stack.simulation.network import MS
from trading_stack.simulation.playing import run
from trading_stack.simulation.rules import Finding, Rule
from trading_stack.simulation.schedule import Schedule

STALLS = Schedule(
    seed=1, actions=(at(800, f.Stall(200 * MS)), at(1500, f.Stall(200 * MS))), storm_ns=3000 * MS
)


def finding(rule: Rule, *, at_ms: int) -> Finding:
    return Finding(rule, at_ms * MS, (), "", ())


@pytest.mark.parametrize(
    ("found", "exposed_s", "in_force_s"),
    [
        (None, 0.9, 0.4),
        (finding(Rule.PROGRESS, at_ms=9000), 0.9, 0.4),
        (finding(Rule.NO_NEEDLESS_FAILOVER, at_ms=1600), 0.8, 0.3),
        (finding(Rule.NO_NEEDLESS_FAILOVER, at_ms=1100), 0.3, 0.2),
        (finding(Rule.NO_NEEDLESS_FAILOVER, at_ms=500), 0.0, 0.0),
    ],
)
def test_time_counts_from_the_first_strike_to_the_end_of_the_last_or_to_what_went_wrong(
    found: Finding | None, exposed_s: float, in_force_s: float
) -> None:
    kind = Disturbed()
    kind.note(STALLS, found)
    assert kind.exposed_s == pytest.approx(exposed_s)
    assert kind.in_force_s == pytest.approx(in_force_s)


def test_only_a_needless_failover_is_a_false_one() -> None:
    kind = Disturbed()
    kind.note(STALLS, finding(Rule.NO_NEEDLESS_FAILOVER, at_ms=1100))
    kind.note(STALLS, finding(Rule.ANSWERED, at_ms=4000))
    kind.note(STALLS, None)
    assert (kind.failovers, kind.others, kind.wrong) == (1, {"answered": 1}, 2)


def test_what_overlaps_counts_once() -> None:
    assert union_ns([(4, 6), (0, 3), (2, 5)]) == 6


def test_the_disturbances_are_those_of_the_promise() -> None:
    schedules = {disturbance(seed): harmless(seed) for seed in range(len(DISTURBANCES))}
    slow, jitter = (schedules[name].actions[0].fault for name in ("slow", "jitter"))
    assert isinstance(slow, f.Storm)
    assert isinstance(jitter, f.Storm)
    assert slow.lasts_ns == 5000 * MS
    assert slow.delay_ns >= 102 * MS
    assert jitter.jitter_ns == 50 * MS
    stalls = schedules["stalls"].actions
    assert {action.fault.lasts_ns for action in stalls} == {200 * MS}
    for schedule in schedules.values():
        assert schedule.harmless
        assert schedule.storm_ns > max(end_ns for _, end_ns in spans(schedule.actions))


def test_freezes_are_told_apart(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    calm = run(Schedule(seed=1, storm_ns=600 * MS))
    found = finding(Rule.PROGRESS, at_ms=9000)

    def frozen(schedule: Schedule, _: object) -> object:
        broken = isinstance(schedule.actions[0].fault, f.Freeze)
        return msgspec.structs.replace(calm, finding=found if broken else None)

    monkeypatch.setattr(false_failovers, "play", frozen)
    assert false_failovers.protocol(5, 0, None)
    said = capsys.readouterr().out.splitlines()
    rows = {line.split()[0]: line for line in said if line}
    assert rows["freezes"].endswith("progress 1")
    assert rows["promised"].split()[1] == str(len(PROMISED))
    assert rows["promised"].endswith("none")
    assert any("no false failover" in line for line in said)
