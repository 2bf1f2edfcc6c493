"""How the environment sets a sentinel's patience and limits."""

from __future__ import annotations

import pytest

from trading_stack.defects import Defect
from trading_stack.sentinel.config import MS, NAIVE, Patience
from trading_stack.sentinel.monitors.limits import LIMITS
from trading_stack.sentinel.tuning import limits_of, patience_of
from trading_stack.settings import SettingsError


def test_an_empty_environment_gives_the_defaults() -> None:
    assert patience_of({}, frozenset()) == Patience()
    assert limits_of({}) == LIMITS
    assert patience_of({}, frozenset({Defect.NAIVE_TIMEOUT})) == NAIVE


def test_each_variable_sets_its_own() -> None:
    told = {
        "SUSPICION_MS": "300",
        "HOLD_DOWN_MS": "7000",
        "FAILOVER_WINDOW_MS": "8000",
        "FAILOVERS_IN_WINDOW": "9",
    }
    patience = patience_of(told, frozenset())
    assert (patience.silence_ns, patience.hold_down_ns) == (300 * MS, 7000 * MS)
    assert (patience.window_ns, patience.most_in_window) == (8000 * MS, 9)
    told = {
        "COMMIT_STALL_MS": "6000",
        "FSYNC_AGE_MS": "1000",
        "QUEUED_COMMANDS": "2000",
        "FAILED_PERCENT": "20",
        "LATENCY_MS": "4000",
    }
    limits = limits_of(told)
    assert limits.commit_stall_ns.failing == 6000 * MS
    assert limits.commit_stall_ns.degraded == 2000 * MS, "in proportion"
    assert limits.fsync_age_ns.failing == 1000 * MS
    assert limits.queued_commands.failing == 2000
    assert limits.failed_permille.failing == 200
    assert limits.latency_ns.failing == 4000 * MS


@pytest.mark.parametrize("name", ["LATENCY_MS", "QUEUED_COMMANDS"])
def test_a_mistake_names_its_variable(name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        limits_of({name: "soon"})
