"""Every registered toxic keeps the contract of `harness.wan.toxics.contract`; so must those that come later."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage_bench import MS, Bench
from wan_support import FakeTime, Recorder, Source

import harness.wan.toxics as toxics
from harness.wan.toxics.contract import NOWHERE, End, Outlet, Place
from harness.wan.toxics.registry import ToxicType, register, toxic_type, toxic_types, type_of

# Settings under which each toxic does its worst; a toxic without an entry is tried with its defaults.
EXAMPLES: dict[str, list[msgspec.Struct]] = {
    "latency": [toxics.Latency(latency_ms=5), toxics.Latency(latency_ms=5, jitter_ms=20), toxics.Latency()],
    "bandwidth": [
        toxics.Bandwidth(rate_kb_per_s=1),
        toxics.Bandwidth(),
        toxics.Bandwidth(rate_kb_per_s=100_000),
    ],
    "slow_close": [toxics.SlowClose(delay_ms=50)],
    "slicer": [
        toxics.Slicer(),
        toxics.Slicer(average_size_bytes=40, size_variation_bytes=20, delay_us=700),
        toxics.Slicer(average_size_bytes=5, size_variation_bytes=50, delay_us=1),
    ],
    "limit_data": [toxics.LimitData(), toxics.LimitData(limit_bytes=150)],
    "timeout": [toxics.Timeout(), toxics.Timeout(timeout_ms=30)],
    "reset_peer": [toxics.ResetPeer(), toxics.ResetPeer(timeout_ms=30)],
    "stall": [toxics.Stall(), toxics.Stall(sever=False)],
    "drop": [toxics.Drop(sever=False)],
    "reject": [toxics.Reject(sever=False)],
}
LOSES = {"timeout", "reset_peer", "limit_data"}
CASES = [
    pytest.param(kind, settings, id=f"{kind.name}-{index}")
    for kind in toxic_types()
    for index, settings in enumerate(EXAMPLES.get(kind.name, [kind.settings()]))
]
LOSSLESS = [
    case
    for case in CASES
    if case.values[0].name not in LOSES and not getattr(case.values[1], "sever", False)  # type: ignore[union-attr]
]


def check_order(bench: Bench, sent: bytes) -> None:
    """Only a prefix of what was sent may have come out, each piece no earlier than the one before."""
    assert sent.startswith(bench.out.data)
    times = [at for at, _ in bench.out.pieces]
    assert times == sorted(times)


def check_releases_everything(kind: ToxicType, settings: Any) -> None:
    bench, sent = Bench(kind, settings), b""
    for index in range(40):
        piece = bytes([index]) * (index * 37 % 500 + 1)
        sent += piece
        bench.feed(piece)
        bench.time.advance(MS // 3)
        check_order(bench, sent)
    bench.end()
    assert bench.stage.held_bytes() == len(sent) - len(bench.out.data)
    bench.stage.release(bench.time.now)
    assert bench.out.data == sent
    assert bench.out.ends == [End.EOF]
    assert bench.valve.reasons == set()
    bench.time.advance(10**12)
    assert bench.out.data == sent


@pytest.mark.parametrize(("kind", "settings"), LOSSLESS)
def test_removal_passes_on_every_byte_and_the_end_unless_losing_is_the_purpose(
    kind: ToxicType, settings: Any
) -> None:
    check_releases_everything(kind, settings)


@pytest.mark.parametrize(("kind", "settings"), CASES)
def test_a_connection_that_is_gone_gets_nothing_any_more(kind: ToxicType, settings: Any) -> None:
    bench = Bench(kind, settings)
    bench.feed(b"x" * 3000)
    before = bench.out.data
    ends = list(bench.out.ends)
    bench.stage.discard()
    bench.time.advance(10**12)
    assert (bench.out.data, bench.out.ends) == (before, ends)
    assert bench.stage.held_bytes() == 0


@pytest.mark.parametrize(("kind", "settings"), CASES)
def test_settings_survive_the_wire_and_unknown_ones_are_ignored(kind: ToxicType, settings: Any) -> None:
    wire = msgspec.json.decode(msgspec.json.encode(settings))
    assert msgspec.convert({**wire, "not_a_setting": 1}, kind.settings) == settings
    assert type_of(settings) is kind
    assert toxic_type(kind.name) is kind


@pytest.mark.parametrize(("kind", "settings"), CASES)
def test_an_update_to_the_same_settings_loses_nothing(kind: ToxicType, settings: Any) -> None:
    bench = Bench(kind, settings)
    bench.feed(b"a" * 100)
    bench.stage.update(settings, bench.time.now)
    bench.feed(b"b" * 100)
    bench.time.advance(10**12)
    check_order(bench, b"a" * 100 + b"b" * 100)


class Planted:
    """A stage with a mistake, for the check to catch."""

    dark = False

    def __init__(self, mistake: str, place: Place) -> None:
        self.next: Outlet = NOWHERE
        self.mistake = mistake
        self.held = [b""]

    def feed(self, data: bytes, at_ns: int) -> None:
        self.held.append(data)
        if self.mistake == "swaps" and len(self.held) == 4:
            self.next.feed(self.held.pop(), at_ns)

    def end(self, how: End, at_ns: int) -> None:
        if self.mistake == "ends early":
            self.next.end(how, at_ns)

    def update(self, settings: Any, at_ns: int) -> None: ...

    def discard(self) -> None: ...

    def release(self, at_ns: int) -> None:
        for data in self.held[2 if self.mistake == "loses" else 0 :]:
            self.next.feed(data, at_ns)

    def held_bytes(self) -> int:
        return sum(map(len, self.held))


@pytest.mark.parametrize("mistake", ["loses", "swaps", "ends early", "forgets the end"])
def test_the_check_catches_planted_mistakes(mistake: str) -> None:
    with pytest.raises(AssertionError):
        check_releases_everything(ToxicType("planted", msgspec.Struct, Planted, original=False), mistake)


def test_registering_twice_and_unknown_settings_are_refused_with_the_known_names() -> None:
    with pytest.raises(ValueError, match="registered twice; known are bandwidth, drop"):
        register("latency", toxics.Latency, lambda settings, place: None)  # type: ignore[arg-type,return-value]
    with pytest.raises(ValueError, match="no toxic's settings; known are bandwidth"):
        type_of(msgspec.defstruct("Duplicate", [])())
    assert toxic_type("duplicate") is None


@given(
    st.lists(st.tuples(st.integers(0, 4 * MS), st.binary(min_size=1, max_size=8)), max_size=30),
    st.integers(0, 20),
    st.integers(0, 30),
)
def test_latency_delays_each_piece_by_its_delay_and_never_reorders(
    pieces: list[tuple[int, bytes]], latency_ms: int, jitter_ms: int
) -> None:
    bench = Bench(type_of(toxics.Latency()), toxics.Latency(latency_ms=latency_ms, jitter_ms=jitter_ms))
    came = []
    for wait_ns, data in pieces:
        bench.time.advance(wait_ns)
        came.append(bench.time.now)
        bench.feed(data)
    bench.time.advance(10**12)
    assert [data for _, data in bench.out.pieces] == [data for _, data in pieces]
    left = [at for at, _ in bench.out.pieces]
    assert left == sorted(left)
    newest = 0
    for came_ns, left_ns in zip(came, left, strict=True):
        newest = max(newest, came_ns + (latency_ms + jitter_ms) * MS)
        assert came_ns + max(0, latency_ms - jitter_ms) * MS <= left_ns <= newest


def test_latency_draws_its_jitter_from_the_seed_of_its_place() -> None:
    def times(seed: int) -> list[int]:
        clock = FakeTime()
        out = Recorder(clock)
        place = Place(clock.timer, Source(), lambda: Random(seed), lambda: None)
        stage = type_of(toxics.Latency()).start(toxics.Latency(latency_ms=10, jitter_ms=5), place)
        stage.next = out
        for _ in range(10):
            stage.feed(b"x", clock.now)
            clock.advance(20 * MS)
        return [at for at, _ in out.pieces]

    assert times(1) == times(1) != times(2)


def test_a_changed_latency_applies_to_what_is_under_way() -> None:
    bench = Bench(type_of(toxics.Latency()), toxics.Latency(latency_ms=10_000))
    bench.feed(b"x")
    bench.time.advance(MS)
    bench.stage.update(toxics.Latency(latency_ms=5), bench.time.now)
    bench.time.advance(4 * MS)
    assert bench.out.data == b"x"


def test_latency_pauses_its_source_when_its_window_is_full_and_resumes_at_half() -> None:
    bench = Bench(type_of(toxics.Latency()), toxics.Latency(latency_ms=10))
    for _ in range(17):
        bench.feed(b"x" * 2**20)
        bench.time.advance(1)
    assert len(bench.valve.reasons) == 1
    bench.time.advance(20 * MS)
    assert bench.valve.reasons == set()


def test_bandwidth_moves_as_much_as_its_rate_allows() -> None:
    bench = Bench(type_of(toxics.Bandwidth()), toxics.Bandwidth(rate_kb_per_s=100))
    for _ in range(4):
        bench.feed(b"x" * 25_000)  # a quarter of a second each
    assert len(bench.valve.reasons) == 1
    for share in range(1, 11):
        bench.time.advance(100 * MS)
        assert abs(len(bench.out.data) - share * 10_000) <= 25_000
    assert len(bench.out.data) == 100_000


def test_bandwidth_does_not_save_up_rate_while_the_line_is_idle() -> None:
    bench = Bench(type_of(toxics.Bandwidth()), toxics.Bandwidth(rate_kb_per_s=1))
    bench.time.advance(10_000 * MS)
    bench.feed(b"x" * 100)
    bench.time.advance(99 * MS)
    assert bench.out.data == b""
    bench.time.advance(MS)
    assert len(bench.out.data) == 100


def test_a_raised_rate_applies_to_what_waits() -> None:
    bench = Bench(type_of(toxics.Bandwidth()), toxics.Bandwidth())
    bench.feed(b"x" * 500)
    bench.end()
    bench.time.advance(10**12)
    assert bench.out.data == b""
    bench.stage.update(toxics.Bandwidth(rate_kb_per_s=1), bench.time.now)
    bench.time.advance(500 * MS)
    assert (len(bench.out.data), bench.out.ends) == (500, [End.EOF])


def test_slow_close_delays_the_end_alone() -> None:
    bench = Bench(type_of(toxics.SlowClose()), toxics.SlowClose(delay_ms=50))
    bench.feed(b"x")
    bench.end(End.CLOSE)
    bench.time.advance(49 * MS)
    assert (bench.out.data, bench.out.ends) == (b"x", [])
    bench.time.advance(MS)
    assert bench.out.ends == [End.CLOSE]


def test_timeout_counts_from_the_last_lost_byte_and_closes_on_removal() -> None:
    bench = Bench(type_of(toxics.Timeout()), toxics.Timeout(timeout_ms=30))
    bench.time.advance(20 * MS)
    bench.feed(b"lost")
    bench.time.advance(29 * MS)
    assert bench.out.ends == []
    bench.time.advance(MS)
    assert (bench.out.data, bench.out.ends) == (b"", [End.CLOSE])

    forever = Bench(type_of(toxics.Timeout()), toxics.Timeout())
    forever.feed(b"lost")
    forever.time.advance(10**12)
    assert forever.out.ends == []
    forever.stage.release(forever.time.now)
    assert forever.out.ends == [End.CLOSE]


def test_timeout_lets_an_end_close_the_connection() -> None:
    bench = Bench(type_of(toxics.Timeout()), toxics.Timeout(timeout_ms=30))
    bench.end(End.EOF)
    bench.time.advance(10**12)
    assert bench.out.ends == [End.CLOSE]


def test_reset_peer_waits_for_the_first_piece_then_for_its_timeout() -> None:
    bench = Bench(type_of(toxics.ResetPeer()), toxics.ResetPeer(timeout_ms=30))
    bench.time.advance(10**9)
    assert bench.out.ends == []
    bench.feed(b"lost")
    bench.time.advance(29 * MS)
    bench.feed(b"lost")
    assert bench.out.ends == []
    bench.time.advance(MS)
    assert (bench.out.data, bench.out.ends) == (b"", [End.RESET])


def test_reset_peer_resets_at_once_without_a_timeout_and_on_removal_if_begun() -> None:
    at_once = Bench(type_of(toxics.ResetPeer()), toxics.ResetPeer())
    at_once.end(End.EOF)
    assert at_once.out.ends == [End.RESET]

    begun = Bench(type_of(toxics.ResetPeer()), toxics.ResetPeer(timeout_ms=30))
    begun.stage.update(toxics.ResetPeer(timeout_ms=99), begun.time.now)
    begun.feed(b"lost")
    begun.stage.release(begun.time.now)
    assert begun.out.ends == [End.RESET]

    idle = Bench(type_of(toxics.ResetPeer()), toxics.ResetPeer())
    idle.stage.release(idle.time.now)
    assert idle.out.ends == []


@pytest.mark.parametrize("name", ["stall", "drop", "reject"])
def test_a_dark_stage_lets_nothing_out_and_severs_when_it_is_lit(name: str) -> None:
    kind = toxic_type(name)
    assert kind is not None
    bench = Bench(kind, kind.settings())
    assert bench.stage.dark
    assert len(bench.valve.reasons) == 1
    bench.feed(b"x" * 10)
    bench.end(End.RESET)
    bench.time.advance(10**12)
    assert (bench.out.data, bench.out.ends, bench.stage.held_bytes()) == (b"", [], 10)
    bench.stage.release(bench.time.now)
    assert bench.severed == 1
    assert (bench.out.data, bench.out.ends) == (b"", [])


def test_a_stall_can_be_changed_to_one_that_drains() -> None:
    bench = Bench(type_of(toxics.Stall()), toxics.Stall())
    bench.feed(b"x")
    bench.end()
    bench.stage.update(toxics.Stall(sever=False), bench.time.now)
    bench.stage.release(bench.time.now)
    assert (bench.severed, bench.out.data, bench.out.ends, bench.valve.reasons) == (0, b"x", [End.EOF], set())
