from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_stack.client import ConnectionBroken, Frames


def frame(payload: bytes, kind: int = 0x81) -> bytes:
    if len(payload) < 126:
        return bytes([kind, len(payload)]) + payload
    if len(payload) < 1 << 16:
        return bytes([kind, 126]) + len(payload).to_bytes(2, "big") + payload
    return bytes([kind, 127]) + len(payload).to_bytes(8, "big") + payload


@given(st.lists(st.integers(min_value=0, max_value=70_000), max_size=4), st.integers(1, 70_000))
def test_messages_come_whole_however_they_were_cut(sizes: list[int], cut: int) -> None:
    payloads = [bytes([size % 251]) * size for size in sizes]
    stream = b"".join(map(frame, payloads))
    frames = Frames()
    got = [
        payload
        for start in range(0, len(stream), cut)
        for payload in frames.feed(stream[start : start + cut])
    ]
    assert got == payloads


def test_control_frames_are_passed_over() -> None:
    assert Frames().feed(frame(b"", 0x89) + frame(b"a") + frame(b"x", 0x8A) + frame(b"b", 0x82)) == [
        b"a",
        b"b",
    ]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (frame(b"", 0x88), "closed by the far end"),
        (frame(b"a", 0x01), "frame of kind 0x1"),
        (b"\x81\x81", "masked"),
    ],
)
def test_anything_else_ends_the_connection(data: bytes, why: str) -> None:
    with pytest.raises(ConnectionBroken, match=why):
        Frames().feed(data)
