"""A store that was put back learns so from the one peer that knows, which then goes away: it must not vote all the same."""

from __future__ import annotations

import pytest

from trading_stack.journal.core import Core
from trading_stack.journal.life import Life
from trading_stack.simulation import faults as f
from trading_stack.simulation.directed import after, at
from trading_stack.simulation.draws import Draws
from trading_stack.simulation.network import MS
from trading_stack.simulation.playing import run
from trading_stack.simulation.rules import EVERY_RULE, Rule
from trading_stack.simulation.schedule import Load, Schedule

SCHEDULES = 12


def told_and_left_alone(seed: int) -> Schedule:
    """Alpha misses what bravo and charlie commit; charlie forgets it; bravo tells charlie that it forgot, and is gone."""
    draws = Draws(seed)
    back_ms = draws.between(450, 650)
    gone_ns = draws.between(300, 700) * MS
    gone: tuple[f.AnyFault, ...] = (
        f.Isolate(gone_ns, "bravo"),
        f.PowerCut(gone_ns, "bravo"),
        f.Kill(gone_ns, "bravo"),
    )
    return Schedule(
        seed=seed,
        actions=(
            at(60, f.Certify(node="bravo")),
            at(200, f.Isolate(back_ms * MS, "alpha")),
            at(250, f.Rollback(100 * MS, "charlie")),
            at(300, f.Propose(node="bravo", count=draws.pick((1, 5, 20)))),
            after("store_damaged", 1, draws.pick(gone)),
            at(200 + back_ms + 30, f.Certify(node="alpha")),
        ),
        load=Load(0, 0, 0.0),
        sentinels=False,
        drift_ppm=0,
        storm_ns=1800 * MS,
    )


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_nothing_is_lost(seed: int) -> None:
    assert run(told_and_left_alone(seed)).finding is None


def test_it_is_where_a_store_that_forgot_keeps_its_vote(monkeypatch: pytest.MonkeyPatch) -> None:
    def only_tell(core: Core, reason: str) -> None:
        core.tell("store_damaged", epoch=core.promise.epoch, reason=reason)

    recall = Core.recall

    def forgive(core: Core, life: Life) -> bool:
        recall(core, life)
        return True

    monkeypatch.setattr(Core, "disown", only_tell)
    monkeypatch.setattr(Core, "recall", forgive)
    monkeypatch.setattr(Core, "binds_to", lambda core, _: core.proven)
    judged = EVERY_RULE - {Rule.PROGRESS, Rule.RECOVERABLE}
    assert any(run(told_and_left_alone(seed), judged=judged).finding for seed in range(SCHEDULES))
