"""Each toxic of Toxiproxy, in each direction, on the embedded proxy and on the real one."""

from __future__ import annotations

import time
from random import Random

import msgspec
import pytest
from conformance import (
    CASES,
    HARMLESS,
    LONG_MS,
    SLICES,
    Case,
    Witness,
    closes,
    ended,
    ends,
    is_held,
    passes,
    was_reset_at_both_ends,
)
from wan_support import LinkUnderTest, Upstream, receive

from harness.wan.toxics import Bandwidth, Latency, LimitData, ResetPeer, Slicer, SlowClose, Stream, Timeout

pytestmark = pytest.mark.processes

each_stream = pytest.mark.parametrize("stream", list(Stream))
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case.settings))
CHANGEABLE = [case for case in CASES if case.harmless is not None]
each_changeable = pytest.mark.parametrize("case", CHANGEABLE, ids=lambda case: repr(case.settings))


@each_stream
@each_case
def test_a_toxic_bites_new_connections_in_its_direction_alone(
    each_link: LinkUnderTest, upstream: Upstream, witness: Witness, case: Case, stream: Stream
) -> None:
    each_link.put(case.settings, stream=stream)
    with ends(each_link, upstream, stream) as pair:
        if not isinstance(case.settings, Timeout) or not case.settings.timeout_ms:
            passes(pair.back)
        case.bites(pair, witness)


@each_stream
@each_case
def test_a_toxic_bites_connections_that_exist(
    each_link: LinkUnderTest, upstream: Upstream, witness: Witness, case: Case, stream: Stream
) -> None:
    with ends(each_link, upstream, stream) as pair:
        passes(pair)
        passes(pair.back)
        each_link.put(case.settings, stream=stream)
        case.bites(pair, witness)


@each_stream
@each_case
def test_a_toxicity_of_zero_affects_nobody(
    each_link: LinkUnderTest, upstream: Upstream, case: Case, stream: Stream
) -> None:
    each_link.put(case.settings, stream=stream, toxicity=0)
    with ends(each_link, upstream, stream) as pair:
        passes(pair)
        passes(pair.back)
        if not isinstance(case.settings, ResetPeer):  # see the differences
            closes(pair)


@each_stream
@each_case
def test_a_toxic_that_was_removed_affects_nobody(
    each_link: LinkUnderTest, upstream: Upstream, case: Case, stream: Stream
) -> None:
    with ends(each_link, upstream, stream) as old:
        each_link.put(case.settings, stream=stream)
        each_link.remove()
        if case.ends_on_removal:
            assert ended(old.sink)
            assert ended(old.source)
        else:
            passes(old)
            closes(old)
    with ends(each_link, upstream, stream) as new:
        passes(new)
        closes(new)


@each_stream
@each_changeable
def test_a_changed_toxic_works_with_its_new_settings_on_open_connections(
    each_link: LinkUnderTest, upstream: Upstream, witness: Witness, case: Case, stream: Stream
) -> None:
    assert case.harmless is not None
    each_link.put(case.harmless, stream=stream)
    with ends(each_link, upstream, stream) as pair:
        passes(pair)
        each_link.put(case.settings, stream=stream)
        each_link.put(case.harmless, stream=stream)
        passes(pair)
        if not isinstance(case.settings, LimitData):  # whose count goes on
            each_link.put(case.settings, stream=stream)
            case.bites(pair, witness)


@each_stream
@pytest.mark.parametrize("settings", HARMLESS, ids=repr)
def test_mild_settings_lose_and_reorder_nothing(
    each_link: LinkUnderTest, upstream: Upstream, settings: msgspec.Struct, stream: Stream
) -> None:
    each_link.put(settings, stream=stream)
    data = Random(5).randbytes(30_000)
    with ends(each_link, upstream, stream) as pair:
        for start in range(0, len(data), 1000):
            pair.source.sendall(data[start : start + 1000])
        assert receive(pair.sink, len(data)) == data
        closes(pair)


@each_stream
@pytest.mark.parametrize("settings", [Latency(latency_ms=LONG_MS), Bandwidth(), SLICES], ids=repr)
def test_removal_passes_on_what_is_held(
    each_link: LinkUnderTest, upstream: Upstream, witness: Witness, settings: msgspec.Struct, stream: Stream
) -> None:
    each_link.put(settings, stream=stream)
    with ends(each_link, upstream, stream) as pair:
        pair.source.sendall(b"0123456789" * 5)
        came = b"" if settings is not SLICES else pair.sink.recv(10)
        assert witness.overtakes(pair.sink)
        each_link.remove()
        assert came + receive(pair.sink, 50 - len(came)) == b"0123456789" * 5
        passes(pair)


@each_stream
def test_removal_passes_on_a_close_that_is_held(
    each_link: LinkUnderTest, upstream: Upstream, witness: Witness, stream: Stream
) -> None:
    each_link.put(SlowClose(delay_ms=LONG_MS), stream=stream)
    with ends(each_link, upstream, stream) as pair:
        pair.source.close()
        assert witness.overtakes(pair.sink)
        each_link.remove()
        assert pair.sink.recv(1) == b""


@each_stream
def test_half_a_toxicity_affects_some_connections_and_not_others(
    each_link: LinkUnderTest, upstream: Upstream, stream: Stream
) -> None:
    each_link.put(LimitData(limit_bytes=1), stream=stream, toxicity=0.5)
    whole = 0
    for _ in range(40):
        with ends(each_link, upstream, stream) as pair:
            pair.source.sendall(b"ab")
            pair.source.close()
            whole += receive(pair.sink, 2) == b"ab"
    assert 4 <= whole <= 36  # by chance alone wrong once in ten million


@each_stream
def test_latency_and_its_jitter(each_link: LinkUnderTest, upstream: Upstream, stream: Stream) -> None:
    each_link.put(Latency(latency_ms=60, jitter_ms=40), stream=stream)
    took = []
    with ends(each_link, upstream, stream) as pair:
        for _ in range(12):
            begun = time.perf_counter()
            passes(pair)
            took.append(time.perf_counter() - begun)
    assert min(took) >= 0.019
    assert len({round(each, 3) for each in took}) > 3
    assert max(took) - min(took) > 0.005


@each_stream
def test_the_rate_of_a_line_holds_for_all_its_bytes(
    each_link: LinkUnderTest, upstream: Upstream, stream: Stream
) -> None:
    took = {}
    for rate in (100, 400):
        each_link.put(Bandwidth(rate_kb_per_s=rate), stream=stream)
        with ends(each_link, upstream, stream) as pair:
            begun = time.perf_counter()
            for _ in range(8):
                pair.source.sendall(b"x" * 5000)
            assert len(receive(pair.sink, 40_000)) == 40_000
            took[rate] = time.perf_counter() - begun
    assert took[100] >= 0.3
    assert took[400] >= 0.075


@each_stream
def test_waits_are_at_least_as_long_as_they_were_asked_for(
    each_link: LinkUnderTest, upstream: Upstream, stream: Stream
) -> None:
    for settings in (Timeout(timeout_ms=80), ResetPeer(timeout_ms=80), SlowClose(delay_ms=80)):
        with ends(each_link, upstream, stream) as pair:
            begun = time.perf_counter()
            each_link.put(settings, stream=stream)
            if isinstance(settings, SlowClose):
                pair.source.close()
            elif isinstance(settings, ResetPeer):
                pair.source.sendall(b"lost")
            assert ended(pair.sink)
            assert time.perf_counter() - begun >= 0.079
            each_link.remove()


@each_stream
@pytest.mark.parametrize("timeout_ms", [0, 50])
def test_reset_peer_resets_both_ends(
    each_link: LinkUnderTest, upstream: Upstream, stream: Stream, timeout_ms: int
) -> None:
    each_link.put(ResetPeer(timeout_ms=timeout_ms), stream=stream)
    with ends(each_link, upstream, stream) as pair:
        assert was_reset_at_both_ends(pair)


@each_stream
def test_slices_have_a_pause_behind_each(
    each_link: LinkUnderTest, upstream: Upstream, stream: Stream
) -> None:
    each_link.put(Slicer(average_size_bytes=100, size_variation_bytes=20, delay_us=10_000), stream=stream)
    data = Random(6).randbytes(1000)
    with ends(each_link, upstream, stream) as pair:
        begun = time.perf_counter()
        pair.source.sendall(data)
        assert receive(pair.sink, len(data)) == data
        fewest = -(-len(data) // 120)
        assert time.perf_counter() - begun >= (fewest - 1) * 0.010


@each_stream
def test_slices_vary_in_size(each_link: LinkUnderTest, upstream: Upstream, stream: Stream) -> None:
    each_link.put(
        Slicer(average_size_bytes=40, size_variation_bytes=30, delay_us=LONG_MS * 1000), stream=stream
    )
    first = []
    for _ in range(12):
        with ends(each_link, upstream, stream) as pair:
            pair.source.sendall(b"x" * 200)
            first.append(len(pair.sink.recv(200)))
    assert max(first) <= 70
    assert len(set(first)) > 1


@each_stream
def test_a_limit_counts_every_byte_of_a_connection_and_each_connection_anew(
    each_link: LinkUnderTest, upstream: Upstream, stream: Stream
) -> None:
    each_link.put(LimitData(limit_bytes=1000), stream=stream)
    for size in (10, 333, 5000):
        with ends(each_link, upstream, stream) as pair:
            passes(pair.back)
            for _ in range(1000 // size):
                pair.source.sendall(b"x" * size)
            rest = 1000 % size
            pair.source.sendall(b"y" * (rest + 1))
            assert len(receive(pair.sink, 2000)) == 1000
            assert ended(pair.source)


@each_stream
def test_a_limit_closes_as_soon_as_its_last_byte_has_passed(
    each_link: LinkUnderTest, upstream: Upstream, stream: Stream
) -> None:
    each_link.put(LimitData(limit_bytes=7), stream=stream)
    with ends(each_link, upstream, stream) as pair:
        passes(pair)
        assert ended(pair.sink)
        assert ended(pair.source)


@each_stream
def test_a_limit_that_is_changed_keeps_its_count(
    each_link: LinkUnderTest, upstream: Upstream, witness: Witness, stream: Stream
) -> None:
    each_link.put(LimitData(limit_bytes=100), stream=stream)
    with ends(each_link, upstream, stream) as pair:
        passes(pair)
        each_link.put(LimitData(limit_bytes=10), stream=stream)
        pair.source.sendall(b"through")
        assert receive(pair.sink, 7) == b"thr"
    with ends(each_link, upstream, stream) as pair:
        passes(pair)
        each_link.put(LimitData(limit_bytes=3), stream=stream)
        assert witness.overtakes(pair.sink)
        pair.source.sendall(b"x")
        assert ended(pair.sink)


@each_stream
def test_toxics_work_in_the_order_in_which_they_were_added(
    each_link: LinkUnderTest, upstream: Upstream, witness: Witness, stream: Stream
) -> None:
    each_link.put(LimitData(limit_bytes=20), stream=stream, name="first")
    each_link.put(SLICES, stream=stream, name="second")
    each_link.put(Latency(latency_ms=LONG_MS), stream=stream, name="third")
    with ends(each_link, upstream, stream) as pair:
        is_held(pair, witness)
        pair.source.sendall(b"x" * 30)
        each_link.remove("third")
        assert len(receive(pair.sink, 4)) == 4
        each_link.remove("second")
        assert len(receive(pair.sink, 100)) == 16
