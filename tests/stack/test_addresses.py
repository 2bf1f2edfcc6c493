from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.addresses import Reference, references_in, rewrite

MAPPING = {("engine", 7100): "127.0.0.1:40001", ("feed-a", 7300): "127.0.0.1:40002"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("engine:7100", "127.0.0.1:40001"),
        ("a=engine:7100,b=feed-a:7300", "a=127.0.0.1:40001,b=127.0.0.1:40002"),
        ("http://engine:7100/x?y=engine:7100", "http://127.0.0.1:40001/x?y=127.0.0.1:40001"),
        ("tcp://user@engine:7100", "tcp://user@127.0.0.1:40001"),
        ("my-engine:7100", "my-engine:7100"),
        ("my.engine:7100", "my.engine:7100"),
        ("engine:71000", "engine:71000"),
        ("engine:7100x", "engine:7100x"),
        ("engine:7100.5", "engine:7100.5"),
        ("engine:7100.", "127.0.0.1:40001."),
        ("engine:7101", "engine:7101"),
        ("engine-x:7100", "engine-x:7100"),
        ("ENGINE:7100", "ENGINE:7100"),
        ("", ""),
    ],
)
def test_only_whole_tokens_are_replaced(value: str, expected: str) -> None:
    assert rewrite(value, MAPPING) == expected


def test_references_are_found_once_each_and_numbers_are_none() -> None:
    values = ["a=x:1,b=y:2", "x:1", "0.0.0.0:9000", "localhost:80", "10.0.0.1:5", "x:0", "x:70000", "12:30"]
    assert references_in(values) == (Reference("x", 1), Reference("y", 2))
    assert str(Reference("x", 1)) == "x:1"


@given(st.text(max_size=60))
def test_without_a_mapping_nothing_changes(value: str) -> None:
    assert rewrite(value, {}) == value


@given(st.text(alphabet="ab:-.1/,=", max_size=40))
def test_every_reference_can_be_rewritten(value: str) -> None:
    found = references_in([value])
    nowhere: dict[tuple[str, int], str] = dict.fromkeys(found, "127.0.0.1:9")
    rewritten = rewrite(value, nowhere)
    assert references_in([rewritten]) == ()
