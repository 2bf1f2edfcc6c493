from __future__ import annotations

from stage_bench import Bench

import harness.wan.toxics as toxics
from harness.wan.toxics.contract import End
from harness.wan.toxics.registry import type_of


def test_limit_data_closes_behind_the_last_byte_that_may_pass() -> None:
    bench = Bench(type_of(toxics.LimitData()), toxics.LimitData(limit_bytes=150))
    bench.feed(b"a" * 100)
    assert (bench.out.data, bench.out.ends) == (b"a" * 100, [])
    bench.feed(b"b" * 100)
    bench.feed(b"c" * 100)
    bench.end()
    assert (bench.out.data, bench.out.ends) == (b"a" * 100 + b"b" * 50, [End.CLOSE])


def test_limit_data_closes_at_once_when_exactly_the_limit_has_passed() -> None:
    bench = Bench(type_of(toxics.LimitData()), toxics.LimitData(limit_bytes=100))
    bench.feed(b"a" * 100)
    assert (len(bench.out.data), bench.out.ends) == (100, [End.CLOSE])


def test_a_limit_counts_what_passed_before_it_was_changed_and_closes_at_the_next_byte() -> None:
    bench = Bench(type_of(toxics.LimitData()), toxics.LimitData(limit_bytes=150))
    bench.feed(b"a" * 100)
    bench.stage.update(toxics.LimitData(limit_bytes=50), bench.time.now)
    assert bench.out.ends == []
    bench.feed(b"b")
    assert (len(bench.out.data), bench.out.ends) == (100, [End.CLOSE])


def test_a_limit_that_was_not_reached_lets_an_end_and_its_removal_pass() -> None:
    bench = Bench(type_of(toxics.LimitData()), toxics.LimitData(limit_bytes=150))
    bench.feed(b"a" * 100)
    bench.stage.release(bench.time.now)
    bench.end()
    assert (len(bench.out.data), bench.out.ends) == (100, [End.EOF])
