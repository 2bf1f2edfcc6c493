"""One direction of one connection: a source, a chain of stages, and a sink."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic_ns
from typing import Final, Protocol

from harness.wan.toxics.contract import NOWHERE, End, Outlet, Stage, Valve

_UNDIALLED_BYTES: Final = 64 * 2**10


class Counter:
    """Bytes of one direction of one proxy, and when the last of them came in and went out (monotonic clock)."""

    __slots__ = ("bytes_in", "bytes_out", "last_in_ns", "last_out_ns")

    def __init__(self) -> None:
        self.bytes_in = 0
        self.bytes_out = 0
        self.last_in_ns = 0
        self.last_out_ns = 0


class Shore(Protocol):
    """One side of a connection, as a lane needs it. Every method is safe on a side that is gone."""

    def pause(self) -> None:
        """Stop reading."""

    def resume(self) -> None:
        """Read again."""

    def finish_writing(self) -> None:
        """Send what was written, then the end of the stream."""

    def close(self) -> None:
        """Send what was written, then close."""

    def reset(self) -> None:
        """Close at once with a reset."""


class Sink:
    """The end of a lane: writes to the far side, and keeps what comes before that is dialled."""

    __slots__ = ("_counter", "_pending", "_shore", "_write", "ended", "live", "valve")

    def __init__(self, shore: Shore, counter: Counter) -> None:
        self._shore = shore
        self._counter = counter
        self._pending: list[bytes | End] = []
        self._write: Callable[[bytes], None] = self._pending.append
        self.live = False
        self.ended: End | None = None
        self.valve: Valve | None = None

    def feed(self, data: bytes, at_ns: int) -> None:
        del at_ns  # what should have moved then moves now
        if not self.live:
            if self.ended is None:
                self._wait(data)
            return
        try:
            self._write(data)
        except (
            RuntimeError
        ):  # uvloop raises when the transport was closed under us; its loss is reported apart
            self.live = False
            return
        counter = self._counter
        counter.bytes_out += len(data)
        counter.last_out_ns = monotonic_ns()

    def end(self, how: End, at_ns: int) -> None:
        if not self.live:
            if self.ended is None:
                self._pending.append(how)
            return
        if self.ended is not None and how <= self.ended:
            return
        self.ended = how
        if how is End.EOF:
            self._shore.finish_writing()
        else:
            self.live = False
            (self._shore.reset if how is End.RESET else self._shore.close)()

    def connected(self, write: Callable[[bytes], None]) -> None:
        """Write to this from now on, beginning with what has waited."""
        pending, self._pending = self._pending, []
        self._write, self.live = write, True
        if self.valve is not None:
            self.valve.unblock(self)
        for item in pending:
            if isinstance(item, bytes):
                self.feed(item, 0)
            else:
                self.end(item, 0)

    def lost(self) -> None:
        """The far side is gone: lose whatever still comes."""
        self.live = False
        self.ended = self.ended or End.CLOSE
        self._pending.clear()

    def held_bytes(self) -> int:
        return sum(len(item) for item in self._pending if isinstance(item, bytes))

    def _wait(self, data: bytes) -> None:
        self._pending.append(data)
        if self.valve is not None and self.held_bytes() > _UNDIALLED_BYTES:
            self.valve.block(self)


class Lane:
    """A direction's chain of stages, kept in the order of their toxics, and the valve of its source."""

    __slots__ = ("_reasons", "_source", "_stages", "counter", "head", "sink")

    def __init__(self, source: Shore, sink: Sink, counter: Counter) -> None:
        self._source = source
        self._stages: list[tuple[int, Stage]] = []
        self._reasons: set[object] = set()
        self.sink = sink
        sink.valve = self
        self.counter = counter
        self.head: Outlet = sink

    @property
    def dark(self) -> bool:
        """Whether nothing may come out at the far end."""
        return any(stage.dark for _, stage in self._stages)

    @property
    def blocked(self) -> bool:
        """Whether somebody wants reading to pause."""
        return bool(self._reasons)

    def block(self, reason: object) -> None:
        self._reasons.add(reason)
        self._source.pause()

    def unblock(self, reason: object) -> None:
        self._reasons.discard(reason)
        if not self._reasons:
            self._source.resume()

    def stage(self, order: int) -> Stage | None:
        """The stage of the toxic with that place in the order, if it works here."""
        return next((stage for place, stage in self._stages if place == order), None)

    def insert(self, order: int, stage: Stage) -> None:
        """Put a stage into the chain; what has passed its place stays unaffected."""
        self._stages.append((order, stage))
        self._stages.sort(key=lambda entry: entry[0])
        self._join()

    def remove(self, order: int, at_ns: int) -> None:
        """Take a stage out; what it holds passes on first, so that order is kept."""
        stage = self.stage(order)
        if stage is None:
            return
        stage.release(at_ns)
        self._stages = [entry for entry in self._stages if entry[0] != order]
        self._join()

    def shut(self) -> None:
        """Lose everything from now on, and read nothing more."""
        for _, stage in self._stages:
            stage.next = NOWHERE
        self.head = NOWHERE
        self.block(self)

    def discard(self) -> None:
        """The connection is gone."""
        for _, stage in self._stages:
            stage.discard()
        self._stages.clear()
        self.head = NOWHERE

    def held_bytes(self) -> int:
        return self.sink.held_bytes() + sum(stage.held_bytes() for _, stage in self._stages)

    def _join(self) -> None:
        if self.head is NOWHERE:
            return
        outlet: Outlet = self.sink
        for _, stage in reversed(self._stages):
            stage.next = outlet
            outlet = stage
        self.head = outlet
