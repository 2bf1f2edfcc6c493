from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.documents.composing import Limits, compose, compose_value, decode, read_bytes
from harness.documents.nodes import Mapping, Source, plain
from harness.model.errors import DocumentError, UsageError


def read(text: str, *, merge_keys: bool = False, limits: Limits | None = None) -> object:
    return plain(compose(Source("f.yaml", text), merge_keys=merge_keys, limits=limits))


def mistakes(text: str, **options: object) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        read(text, **options)  # type: ignore[arg-type]
    return [f"{problem.line}:{problem.column}: {problem.message}" for problem in caught.value.problems]


def test_nested_data_is_read() -> None:
    text = "a: [1, {b: x}]\nc:\n  - ~\n  - 'NO'\n  - \"7\"\n  - !!str 7\n  - ! 7\n"
    assert read(text) == {"a": [1, {"b": "x"}], "c": [None, "NO", "7", "7", "7"]}


def test_scalars_know_their_places() -> None:
    root = compose(Source("f.yaml", "é: 1\nkey:  value\n"))
    assert isinstance(root, Mapping)
    assert root.keys["key"][1:] == (2, 1, 3)
    assert root.values["key"].mark[1:] == (2, 7, 5)
    assert root.values["é"].mark[1:] == (1, 4, 1)


def test_a_scalar_alone_is_a_document() -> None:
    assert read("7") == 7


def test_aliases_stand_for_their_anchors() -> None:
    assert read("a: &x [1, 2]\nb: *x\nc: &y v\nd: *y\n") == {"a": [1, 2], "b": [1, 2], "c": "v", "d": "v"}


def test_merge_keys_have_a_meaning_only_where_it_is_asked_for() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], x: 3}\nd:\n  <<: *a\n  <<: *b\n"
    merged = read(text, merge_keys=True)
    assert isinstance(merged, dict)
    assert merged["c"] == {"x": 3, "y": 1, "z": 2}
    assert merged["d"] == {"x": 1, "y": 1, "z": 2}
    assert read("a: {<<: 1}") == {"a": {"<<": 1}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["1:1: the file is empty"]),
        ("# nothing\n", ["1:1: the file is empty"]),
        (
            "a: 1\nb: 2\na: 3\nb: 4\n",
            [
                "3:1: key 'a' is there twice; the first is in line 1",
                "4:1: key 'b' is there twice; the first is in line 2",
            ],
        ),
        ("a: 1\n---\nb: 2\n", ["2:1: a second document begins here: one file holds one document"]),
        ("a: *x\n", ["1:4: *x stands for nothing: no complete value before it is &x"]),
        ("a: &x [*x]\n", ["1:8: *x stands for nothing: no complete value before it is &x"]),
        (
            "a: !!python/object:os.system x\n",
            [
                "1:4: the tag tag:yaml.org,2002:python/object:os.system is not allowed: a file holds plain data only"
            ],
        ),
        ("a: !mine {}\n", ["1:4: the tag !mine is not allowed: a file holds plain data only"]),
        (
            "a: !!set {x}\n",
            ["1:4: the tag tag:yaml.org,2002:set is not allowed: a file holds plain data only"],
        ),
        ("!!int a: 1\n", ["1:1: a key has no tag: take tag:yaml.org,2002:int away"]),
        ("a: !!int x\n", ["1:4: 'x' is not what its tag !!int says"]),
        ("? [a]\n: 1\n", ["1:3: a key must be a single word or text"]),
        ("a: &x 1\n*x : 2\n", ["2:1: a key must be a single word or text"]),
        ("a: 1e999\n", ["1:4: 1e999 is beyond the largest number"]),
        ("a: b\x07\n", ["1:5: character U+0007 is not allowed in YAML"]),
        (
            "a: [1\n",
            ["1:4: this is not YAML: while parsing a flow sequence, did not find expected ',' or ']'"],
        ),
    ],
)
def test_mistakes_are_told_with_their_place(text: str, expected: list[str]) -> None:
    assert mistakes(text) == expected


def test_a_tab_as_indentation_gets_a_hint() -> None:
    (message,) = mistakes("a:\n\tb: 1\n")
    assert message.endswith("(indent with spaces, not with tabs)")


@pytest.mark.parametrize("value", ["1", "[*a, 2]", "text"])
def test_only_mappings_can_be_merged(value: str) -> None:
    assert mistakes(f"x: &a {{b: 1}}\na: {{<<: {value}}}\n", merge_keys=True)[0].endswith(
        "`<<` merges mappings: give it an alias of a mapping, or a list of them"
    )


def test_a_billion_laughs_are_refused_quickly() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    (message,) = mistakes("\n".join(lines))
    assert message.endswith("the file stands for more than 50,000 values")


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 20_000, "a: " + "{b: " * 41 + "1" + "}" * 41])
def test_deep_nesting_is_refused_before_it_can_hurt(text: str) -> None:
    (message,) = mistakes(text)
    assert message.endswith("values are nested more than 40 levels deep")


def test_aliases_cannot_nest_deeper_than_brackets() -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 60))]
    (message,) = mistakes("\n".join(lines))
    assert message == "40:12: values are nested more than 40 levels deep"


def test_the_limits_can_be_set() -> None:
    assert mistakes("[1, 2, 3]", limits=Limits(nodes=2))[0].endswith("more than 2 values")
    assert mistakes("[[1]]", limits=Limits(depth=1))[0].endswith("more than 1 levels deep")


def test_a_value_from_the_command_line_may_be_empty() -> None:
    assert plain(compose_value(Source("--set a", ""))) is None
    assert plain(compose_value(Source("--set a", "[1, 2]"))) == [1, 2]
    with pytest.raises(DocumentError):
        compose_value(Source("--set a", "[1"))
    with pytest.raises(DocumentError, match="not UTF-8"):
        compose_value(Source("--set a", "\udcff"))


def test_files_that_cannot_be_read_are_mistakes_of_a_person(tmp_path: Path) -> None:
    big = tmp_path / "big.yaml"
    big.write_bytes(b"a" * 2000)
    with pytest.raises(UsageError, match="there is no file"):
        read_bytes(tmp_path / "absent.yaml")
    with pytest.raises(UsageError, match="is a folder, not a file"):
        read_bytes(tmp_path)
    with pytest.raises(UsageError, match="can't be read"):
        read_bytes(Path("a\0b"))
    with pytest.raises(UsageError, match="can't be read: Not a directory"):
        read_bytes(big / "below")
    with pytest.raises(DocumentError, match="larger than 1 KiB"):
        read_bytes(big, limits=Limits(size_bytes=1024))
    assert len(read_bytes(big)) == 2000


def test_bytes_that_are_not_utf8_are_pointed_at() -> None:
    with pytest.raises(DocumentError) as caught:
        decode(b"a: 1\nb: \xff\n", name="f.yaml")
    (problem,) = caught.value.problems
    assert (problem.line, problem.column, problem.message) == (2, 4, "byte 0xff is not UTF-8 text")
    assert decode(b"\xef\xbb\xbfa: 1", name="f").text == "a: 1"


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_any_bytes_give_data_or_a_document_error(data: bytes) -> None:
    try:
        plain(compose(decode(data, name="f.yaml"), merge_keys=True))
    except DocumentError as error:
        places = [(problem.line, problem.column) for problem in error.problems]
    else:
        return
    assert all(line >= 1 and column >= 1 for line, column in places)


YAMLISH = st.text(alphabet=st.sampled_from(list("ab:-?[]{},&*!|>'\"%@`#~< \n\t0123.+e")), max_size=120)


@given(YAMLISH)
def test_anything_that_looks_like_yaml_gives_data_or_a_document_error(text: str) -> None:
    try:
        plain(compose(Source("f.yaml", text), merge_keys=True))
    except DocumentError as error:
        message = str(error)
    else:
        return
    assert message
