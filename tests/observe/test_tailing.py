from __future__ import annotations

import itertools
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from harness.observe.tailing import LineAssembler, Tail, Tails


@given(content=st.binary(max_size=200), cuts=st.lists(st.integers(0, 200), max_size=8))
def test_lines_are_the_same_however_the_bytes_arrive(content: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    pieces = [content[a:b] for a, b in itertools.pairwise(edges)]
    assembler = LineAssembler()
    lines = [line for piece in pieces for line in assembler.feed(piece)]
    assert lines == content.split(b"\n")[:-1]


def test_a_file_that_comes_later_is_read_from_its_start(tmp_path: Path) -> None:
    tail = Tail(tmp_path / "engine.log")
    assert tail.read() == []
    (tmp_path / "engine.log").write_bytes(b"one\ntwo\nthr")
    assert tail.read() == [b"one", b"two"]
    assert tail.read() == []
    with (tmp_path / "engine.log").open("ab") as file:
        file.write(b"ee\n")
    assert tail.read() == [b"three"]
    tail.close()
    tail.close()


def test_more_than_one_read_holds_is_read_whole(tmp_path: Path) -> None:
    lines = [b"%06d " % number + b"x" * 500 for number in range(2000)]
    (tmp_path / "a.log").write_bytes(b"\n".join(lines) + b"\n")
    tail = Tail(tmp_path / "a.log")
    assert tail.read() == lines
    tail.close()


def test_each_line_carries_the_name_of_its_file(tmp_path: Path) -> None:
    tails = Tails({"a": tmp_path / "a.log", "b": tmp_path / "b.log", "c": tmp_path / "c.log"})
    (tmp_path / "a.log").write_bytes(b"1\n2\n")
    (tmp_path / "b.log").write_bytes(b"3\n")
    assert list(tails.read()) == [("a", b"1"), ("a", b"2"), ("b", b"3")]
    tails.close()
