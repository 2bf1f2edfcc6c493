from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from stage_bench import MS, Bench

import harness.wan.toxics as toxics
from harness.wan.toxics.contract import End
from harness.wan.toxics.registry import type_of
from harness.wan.toxics.slicer import cut


def pieces(bench: Bench) -> list[int]:
    return [len(data) for _, data in bench.out.pieces]


def test_the_slicer_halves_until_each_piece_is_small_and_pauses_behind_each() -> None:
    bench = Bench(type_of(toxics.Slicer()), toxics.Slicer(average_size_bytes=30, delay_us=1000))
    bench.feed(b"x" * 100)
    bench.end()
    assert pieces(bench) == [25]
    for done in (2, 3, 4):
        bench.time.advance(MS - 1)
        assert len(bench.out.pieces) == done - 1
        bench.time.advance(1)
        assert pieces(bench) == [25] * done
    assert bench.out.ends == []
    bench.time.advance(MS)
    assert bench.out.ends == [End.EOF]


def test_the_slicer_takes_the_next_read_when_the_pause_behind_the_last_is_over() -> None:
    bench = Bench(type_of(toxics.Slicer()), toxics.Slicer(average_size_bytes=30, delay_us=1000))
    bench.feed(b"a" * 20)
    bench.feed(b"b" * 20)
    assert bench.out.data == b"a" * 20
    bench.time.advance(MS)
    assert bench.out.data == b"a" * 20 + b"b" * 20


def test_a_change_of_the_slicer_passes_the_read_that_is_being_cut_on_in_one_piece() -> None:
    bench = Bench(type_of(toxics.Slicer()), toxics.Slicer(average_size_bytes=30, delay_us=10_000))
    bench.feed(b"x" * 100)
    bench.feed(b"y" * 100)
    bench.stage.update(toxics.Slicer(average_size_bytes=60), bench.time.now)
    bench.time.advance(0)
    assert pieces(bench) == [25, 75, 50, 50]


def test_a_long_read_is_cut_as_if_it_came_in_the_parts_that_toxiproxy_reads() -> None:
    bench = Bench(type_of(toxics.Slicer()), toxics.Slicer(average_size_bytes=20_000))
    bench.feed(b"x" * 40_000)
    bench.time.advance(0)
    assert pieces(bench) == [16_384, 16_384, 7_232]


def test_the_slicer_pauses_its_source_when_it_holds_much_and_resumes_at_half() -> None:
    bench = Bench(type_of(toxics.Slicer()), toxics.Slicer(average_size_bytes=8192, delay_us=1000))
    bench.feed(b"x" * 80_000)
    assert len(bench.valve.reasons) == 1
    bench.time.advance(6 * MS)
    assert bench.valve.reasons == set()


@given(
    st.binary(max_size=400),
    st.integers(-2, 60),
    st.integers(-2, 60),
    st.integers(0, 2**32),
)
def test_cutting_loses_nothing_and_leaves_no_piece_empty_or_longer_than_was_asked_for(
    data: bytes, average: int, variation: int, seed: int
) -> None:
    settings = toxics.Slicer(average_size_bytes=average, size_variation_bytes=variation)
    cuts = list(cut(data, settings, Random(seed)))
    assert b"".join(cuts) == data
    assert all(1 <= len(piece) <= max(1, average + variation) for piece in cuts if data)


def test_the_slicer_draws_its_variation_from_the_seed_of_its_place() -> None:
    settings = toxics.Slicer(average_size_bytes=20, size_variation_bytes=10)
    one, two = ([len(piece) for piece in cut(b"x" * 500, settings, Random(seed))] for seed in (1, 2))
    assert one == [len(piece) for piece in cut(b"x" * 500, settings, Random(1))] != two
