"""What `harness detectors` says of the reference stack is what its sentinels do: the formula, and the settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.detectors import cautious
from harness.detectors.cautious import Cautious
from harness.detectors.contract import suspects
from harness.detectors.registry import parse_choice
from harness.stack.reading import read_stack
from trading_stack.engine.heartbeat import HEARTBEAT_NS
from trading_stack.sentinel.config import MS, Config, Patience
from trading_stack.sentinel.view import View

ROOT = Path(__file__).parents[2]
ENGINE = "alpha"
PATIENCE = Patience()
CLOSE_NS = PATIENCE.tick_ns + 3 * MS
"""A sentinel looks at its ticks, and its strain fades by ticks, none of which fall into its own lags."""

LAGS: dict[str, Mapping[int, int]] = {  # how late (ms) the tick is that was wanted at (ms)
    "none": {},
    "too short to count": {900: 4},
    "doubted, not excused": {900: 12},
    "excused": {960: 40},
    "counted for 80 ms": {800: 190},
    "half faded": {200: 60},
    "faded": {100: 20},
    "a lesser one after a greater": {400: 70, 900: 10},
    "a greater one after a lesser": {400: 10, 900: 70},
    "in the silence": {1100: 60},
    "twice in the silence": {1050: 30, 1150: 45},
}
LAST_BEAT_MS = 1000


def suspected_ns(lags: Mapping[int, int]) -> tuple[int, int]:
    """When a sentinel's view and the detector, told the same, first suspect an engine that dies after a second."""
    view = View(Config(name="alpha", peers=(), engines=(ENGINE,), sign=lambda message: message))
    detector = Cautious().detector(PATIENCE.silence_ns, heartbeat_ns=HEARTBEAT_NS)
    watch, by_view, by_detector = view.watches[ENGINE], 0, 0
    wanted_ns, sent = 0, 0
    while not by_view or not by_detector:
        lag_ns = lags.get(wanted_ns // MS, 0) * MS
        now_ns = wanted_ns + lag_ns
        assert now_ns < 2_000 * MS
        view.strain(lag_ns)
        if lag_ns > PATIENCE.own_lag_ns:
            view.excuse(lag_ns, now_ns)
        detector.lagged(lag_ns, now_ns)
        if watch.dead(now_ns, PATIENCE, margin_ns=view.margin_ns):
            by_view = by_view or now_ns
        if suspects(detector, now_ns):
            by_detector = by_detector or detector.deadline_ns or 0
        while sent * HEARTBEAT_NS <= min(now_ns, LAST_BEAT_MS * MS):
            watch.rise(now_ns)
            detector.heard(sent, now_ns)
            sent += 1
        wanted_ns = -(-(now_ns + 1) // PATIENCE.tick_ns) * PATIENCE.tick_ns
    return by_view, by_detector


def agree(lags: Mapping[int, int]) -> bool:
    by_view, by_detector = suspected_ns(lags)
    return 0 <= by_view - by_detector + CLOSE_NS - PATIENCE.tick_ns <= CLOSE_NS


@pytest.mark.parametrize("lags", LAGS.values(), ids=LAGS)
def test_a_sentinel_suspects_when_the_detector_does(lags: Mapping[int, int]) -> None:
    assert agree(lags)


@pytest.mark.parametrize(
    ("name", "planted"),
    [("TIMES", 1), ("FADE_NS", 4_000 * MS), ("FLOOR_NS", 0), ("MOST_NS", 200 * MS), ("OWN_LAG_NS", 50 * MS)],
)
def test_another_formula_would_be_found(name: str, planted: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cautious, name, planted)
    assert not all(agree(lags) for lags in LAGS.values())


def test_the_stack_declares_the_detector_that_its_sentinels_are() -> None:
    declared = read_stack(ROOT / "docker-compose.yml", variables={}).detector
    assert declared is not None
    choice = parse_choice(declared.choice)
    assert (choice.kind.name, choice.setting) == (Cautious.name, PATIENCE.silence_ns)
    assert declared.heartbeat_ns == HEARTBEAT_NS


def test_the_figures_of_the_formula_are_those_of_sentinels() -> None:
    assert (PATIENCE.strain_ns, PATIENCE.strain_most_ns) == (cautious.FLOOR_NS, cautious.MOST_NS)
    assert PATIENCE.own_lag_ns == cautious.OWN_LAG_NS
