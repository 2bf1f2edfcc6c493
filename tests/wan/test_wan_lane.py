from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from wan_support import FakeTime, Source

from harness.wan.lane import Counter, Lane, Sink
from harness.wan.toxics import Bandwidth, Latency, SlowClose, Stall, Timeout
from harness.wan.toxics.contract import End, Place
from harness.wan.toxics.registry import type_of

MS = 1_000_000


class Line:
    """A lane between a source and a shore, on a fake clock."""

    def __init__(self, *, connected: bool = True) -> None:
        self.time = FakeTime()
        self.source, self.shore = Source(), Source()
        self.counter = Counter()
        self.lane = Lane(self.source, Sink(self.shore, self.counter), self.counter)
        self.written = b""
        self.severed = 0
        if connected:
            self.connect()

    def connect(self) -> None:
        self.lane.sink.connected(self._write)

    def _write(self, data: bytes) -> None:
        self.written += data

    def feed(self, data: bytes) -> None:
        self.lane.head.feed(data, self.time.now)

    def end(self, how: End) -> None:
        self.lane.head.end(how, self.time.now)

    def put(self, order: int, toxic: object) -> None:
        place = Place(self.time.timer, self.lane, lambda: Random(order), lambda: None)
        self.lane.insert(order, type_of(toxic).start(toxic, place))  # type: ignore[arg-type]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("feed"), st.binary(min_size=1, max_size=300)),
        st.tuples(st.just("wait"), st.integers(0, 8 * MS)),
        st.tuples(
            st.just("put"),
            st.sampled_from(
                [
                    Latency(latency_ms=3),
                    Latency(latency_ms=2, jitter_ms=4),
                    Bandwidth(rate_kb_per_s=20),
                    Bandwidth(),
                    SlowClose(delay_ms=5),
                    Stall(sever=False),
                ]
            ),
        ),
        st.tuples(st.just("remove"), st.integers(0, 5)),
        st.tuples(st.just("update"), st.integers(0, 5)),
    ),
    max_size=60,
)


@given(STEPS)
def test_no_byte_is_lost_repeated_or_reordered_whatever_comes_and_goes(
    steps: list[tuple[str, object]],
) -> None:
    line, sent, orders = Line(), b"", list[tuple[int, object]]()
    for count, (step, detail) in enumerate(steps):
        if step == "feed":
            assert isinstance(detail, bytes)
            sent += detail
            line.feed(detail)
        elif step == "wait":
            assert isinstance(detail, int)
            line.time.advance(detail)
        elif step == "put":
            line.put(count, detail)
            orders.append((count, detail))
        elif orders:
            assert isinstance(detail, int)
            order, toxic = orders[detail % len(orders)]
            if step == "update":
                stage = line.lane.stage(order)
                assert stage is not None
                stage.update(toxic, line.time.now)
            else:
                orders.remove((order, toxic))
                line.lane.remove(order, line.time.now)
        assert sent.startswith(line.written)
        assert line.lane.held_bytes() == len(sent) - len(line.written)
    line.end(End.EOF)
    for order, _ in orders:
        line.lane.remove(order, line.time.now)
    assert line.written == sent
    assert line.shore.calls == ["finish_writing"]
    assert not line.source.paused
    assert line.counter.bytes_out == len(sent)


def test_stages_stand_in_the_order_of_their_toxics() -> None:
    line = Line()
    line.put(2, Stall(sever=False))
    line.put(1, Latency(latency_ms=1))
    line.feed(b"x")
    latency, stall = line.lane.stage(1), line.lane.stage(2)
    assert latency is not None
    assert stall is not None
    assert (latency.held_bytes(), stall.held_bytes()) == (1, 0)
    line.time.advance(MS)
    assert (latency.held_bytes(), stall.held_bytes()) == (0, 1)
    assert line.lane.dark


def test_bytes_and_ends_before_the_far_side_is_dialled_wait_in_order() -> None:
    line = Line(connected=False)
    line.feed(b"a")
    line.feed(b"b")
    line.end(End.EOF)
    assert line.lane.held_bytes() == 2
    line.connect()
    assert (line.written, line.shore.calls) == (b"ab", ["finish_writing"])


def test_a_worse_end_follows_a_milder_one_and_not_the_reverse() -> None:
    line = Line()
    for how in (End.EOF, End.EOF, End.CLOSE, End.RESET):
        line.end(how)
    assert line.shore.calls == ["finish_writing", "close"]  # after a close nothing can be said any more
    other = Line()
    other.end(End.RESET)
    other.feed(b"late")
    assert (other.shore.calls, other.written) == (["reset"], b"")


def test_a_far_side_that_is_lost_swallows_the_rest() -> None:
    line = Line()
    line.lane.sink.lost()
    line.feed(b"x")
    line.end(End.CLOSE)
    assert (line.written, line.shore.calls) == (b"", [])
    never = Line(connected=False)
    never.feed(b"x")
    never.lane.sink.lost()
    never.feed(b"y")
    assert never.lane.held_bytes() == 0


def test_a_transport_that_was_closed_under_the_sink_does_not_raise() -> None:
    def broken(data: bytes) -> None:
        raise RuntimeError("the handler is closed")

    line = Line(connected=False)
    line.lane.sink.connected(broken)
    line.feed(b"x")
    line.feed(b"y")
    assert line.counter.bytes_out == 0


def test_a_valve_reads_again_when_the_last_reason_is_gone() -> None:
    line = Line()
    line.lane.block("a")
    line.lane.block("b")
    line.lane.block("a")
    line.lane.unblock("a")
    assert line.source.paused
    line.lane.unblock("b")
    assert not line.source.paused
    assert not line.lane.blocked


def test_a_shut_lane_stays_shut() -> None:
    line = Line()
    line.put(1, Latency(latency_ms=1))
    line.feed(b"x")
    line.lane.shut()
    line.put(2, Timeout())
    line.feed(b"y")
    line.time.advance(10 * MS)
    line.lane.remove(1, line.time.now)
    line.lane.remove(1, line.time.now)
    line.end(End.CLOSE)
    assert (line.written, line.shore.calls, line.source.paused) == (b"", [], True)
    line.lane.discard()
    assert line.lane.held_bytes() == 0
