"""When a figure makes a level, and when it takes it back."""

from __future__ import annotations

from trading_stack.sentinel.monitors.gauge import Bounds, Gauge, Level
from trading_stack.simulation.network import MS

BOUNDS = Bounds(degraded=10, failing=100, lasting_ns=200 * MS, calm_ns=400 * MS)


class Told:
    """A gauge that is told a figure each 20 ms."""

    def __init__(self) -> None:
        self.gauge = Gauge(BOUNDS, gap_ns=100 * MS)
        self.now_ns = 0

    def tell(self, figure: int, *, for_ms: int) -> Level:
        for _ in range(for_ms // 20):
            self.now_ns += 20 * MS
            self.gauge.tell(figure, self.now_ns)
        return self.gauge.level


def test_a_figure_must_last_to_make_a_level() -> None:
    told = Told()
    assert told.tell(100, for_ms=200) is Level.HEALTHY
    assert told.tell(9, for_ms=20) is Level.HEALTHY
    assert told.tell(100, for_ms=200) is Level.HEALTHY, "the time begins anew"
    assert told.tell(100, for_ms=20) is Level.FAILING


def test_each_bound_has_its_level_and_its_figure_belongs_to_it() -> None:
    assert Told().tell(9, for_ms=2000) is Level.HEALTHY
    assert Told().tell(10, for_ms=2000) is Level.DEGRADED
    assert Told().tell(99, for_ms=2000) is Level.DEGRADED
    assert Told().tell(100, for_ms=2000) is Level.FAILING


def test_what_lies_between_the_bounds_neither_fails_nor_heals() -> None:
    told = Told()
    told.tell(100, for_ms=300)
    assert told.tell(50, for_ms=5000) is Level.FAILING
    assert told.tell(9, for_ms=400) is Level.FAILING
    assert told.tell(10, for_ms=20) is Level.FAILING
    assert told.tell(9, for_ms=400) is Level.FAILING, "the calm begins anew"
    assert told.tell(9, for_ms=20) is Level.HEALTHY


def test_a_figure_that_swings_around_a_bound_fails_no_further_than_it_stays() -> None:
    told = Told()
    for _ in range(50):
        told.tell(100, for_ms=180)
        assert told.tell(99, for_ms=20) is not Level.FAILING
    assert told.gauge.level is Level.DEGRADED


def test_a_gap_is_no_evidence() -> None:
    told = Told()
    told.tell(100, for_ms=160)
    told.now_ns += 5000 * MS
    assert told.tell(100, for_ms=200) is Level.HEALTHY
    assert told.tell(100, for_ms=20) is Level.FAILING
    told.now_ns += 5000 * MS
    assert told.tell(9, for_ms=400) is Level.FAILING, "nor does it heal"


def test_a_gauge_at_rest_is_changed_by_no_healthy_figure() -> None:
    told = Told()
    assert told.gauge.at_rest
    told.tell(9, for_ms=1000)
    assert told.gauge.at_rest
    told.tell(10, for_ms=20)
    assert not told.gauge.at_rest, "a level may be on its way"
    told.tell(9, for_ms=20)
    assert told.gauge.at_rest
    told.tell(10, for_ms=300)
    told.tell(9, for_ms=400)
    assert not told.gauge.at_rest, "a level is to be taken back"
    told.tell(9, for_ms=20)
    assert told.gauge.at_rest
