from __future__ import annotations

import math

import pytest

from harness.documents.core_schema import TAG, NotOfTag, read_plain, read_tagged


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"),
        ("on", "on"),
        ("y", "y"),
        ("12:30:45", "12:30:45"),
        ("2026-11-21", "2026-11-21"),
        ("1_000", "1_000"),
        ("0b1", "0b1"),
        ("+", "+"),
        ("-.", "-."),
        ("1e", "1e"),
        ("0o8", "0o8"),
        ("null", None),
        ("~", None),
        ("", None),
        ("nUll", "nUll"),
        ("true", True),
        ("FALSE", False),
        ("7", 7),
        ("-7", -7),
        ("010", 10),
        ("0o10", 8),
        ("0xFF", 255),
        ("1e-9", 1e-9),
        ("1.", 1.0),
        (".5", 0.5),
        ("-1.5E+3", -1500.0),
        ("-.inf", -math.inf),
        (".Inf", math.inf),
        ("<<", "<<"),
    ],
)
def test_plain_words_follow_the_core_schema(text: str, value: object) -> None:
    read = read_plain(text)
    assert read == value
    assert type(read) is type(value)


def test_not_a_number_is_read() -> None:
    assert math.isnan(read_plain(".nan"))  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["1" * 101, "1e999", "-1e400"])
def test_numbers_beyond_measure_are_refused(text: str) -> None:
    with pytest.raises(NotOfTag):
        read_plain(text)


@pytest.mark.parametrize(
    ("text", "tag", "value"),
    [("7", "str", "7"), ("7", "int", 7), ("7", "float", 7.0), ("", "null", None), ("true", "bool", True)],
)
def test_explicit_tags_are_kept(text: str, tag: str, value: object) -> None:
    read = read_tagged(text, TAG + tag)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "tag"), [("x", "int"), ("true", "int"), ("1.5", "int"), ("1", "bool"), ("x", "null")]
)
def test_a_tag_that_lies_is_refused(text: str, tag: str) -> None:
    with pytest.raises(NotOfTag, match=f"is not what its tag !!{tag} says"):
        read_tagged(text, TAG + tag)
