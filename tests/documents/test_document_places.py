from __future__ import annotations

from typing import Literal

import pytest
from pydantic import Field, model_validator

from harness.documents.composing import compose
from harness.documents.nodes import Mark, Source, key_place, kind, place, scalars
from harness.documents.reading import keys_of, read_model
from harness.documents.words import closest, listed
from harness.model.errors import Problem
from harness.model.quantities import Bound, Milliseconds, Seconds, Settings, Share

TEXT = "outer:\n  inner: [1, {x: 2}]\nother: text\n"


def node(text: str = TEXT):  # type: ignore[no-untyped-def]
    return compose(Source("f.yaml", text))


def test_paths_lead_to_places() -> None:
    root = node()
    assert place(root, ("outer", "inner", 1, "x"))[1:3] == (2, 18)
    assert place(root, ("outer", "absent", "inner"))[1:3] == (2, 10), "unknown steps are skipped"
    assert key_place(root, ("outer", "inner"))[1:3] == (2, 3)
    assert key_place(root, ("outer", "inner", 0))[1:3] == (2, 11)
    assert [scalar.value for scalar in scalars(root)] == [1, 2, "text"]
    assert [kind(value) for value in root.values.values()] == ["a mapping", "'text'"]
    assert kind(root.values["outer"].values["inner"]) == "a list"


def test_a_problem_shows_its_line_and_a_caret() -> None:
    problem = place(node(), ("other",)).problem("wrong", closest="test")
    assert str(problem) == "f.yaml:3:8: wrong; did you mean 'test'?\n    other: text\n           ^~~~"


def test_a_line_is_shown_without_what_a_terminal_acts_upon_and_never_whole_if_it_is_endless() -> None:
    source = Source("f.yaml", "a: \x1b[31mred\n" + "x" * 5000)
    assert Mark(source, 1, 4, 3).problem("m").source_line == "a:  [31mred"
    assert len(Mark(source, 2, 1, 5000).problem("m").source_line) == 160
    assert Mark(source, 9, 1, 1).problem("m").source_line == ""


class Inner(Settings):
    wait_ms: Milliseconds = Field(alias="wait", default=1.0)


class Outer(Settings):
    name: str
    kind: Literal["steady", "burst"] = "steady"
    lasts_s: Seconds | None = Field(default=None, alias="lasts")
    share: Bound[Share] | None = None
    inner: Inner | None = None
    many: tuple[Inner, ...] = ()
    count: int = Field(default=1, ge=1)
    flag: bool = False

    @model_validator(mode="after")
    def _odd(self) -> Outer:
        if self.name == "odd":
            raise ValueError("the name is odd")
        return self


def mistakes(text: str) -> list[str]:
    problems: list[Problem] = []
    read = read_model(Outer, node(text), problems, path=("here",))
    assert (read is None) == bool(problems)
    return [
        f"{problem.line}:{problem.column} {problem.message}"
        + (f" [{problem.closest}]" if problem.closest else "")
        for problem in problems
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: x\nlasts: 4s", []),
        ("kind: burst", ["1:1 `here`: `name` is missing"]),
        ("name: odd", ["1:1 `here`: the name is odd"]),
        ("name: x\nlast: 4s", ["2:1 unknown key 'last' [lasts]"]),
        ("name: x\nlasts_s: 4s", ["2:1 unknown key 'lasts_s' [lasts]"]),
        (
            "name: x\nzzz: 4s",
            ["2:1 unknown key 'zzz': the keys here are count, flag, inner, kind, lasts, many, name, share"],
        ),
        ("name: x\nkind: brust", ["2:7 `here.kind`: 'brust' is none of steady, burst [burst]"]),
        ("name: x\nkind: 7", ["2:7 `here.kind`: 7 is none of steady, burst"]),
        (
            "name: x\nlasts: 4",
            ["2:8 `here.lasts`: 4 is not a duration: write a number with its unit, such as 40ms, 2s or 1.5m"],
        ),
        (
            "name: x\nlasts: 4 parsecs",
            [
                "2:8 `here.lasts`: '4 parsecs' is not a duration: its unit must be one of ns, us, µs, ms, s, m, h"
            ],
        ),
        (
            "name: x\nlasts: 1e300s",
            ["2:8 `here.lasts`: '1e300s' is beyond all measure: write a duration such as 40ms, 2s or 1.5m"],
        ),
        ("name: x\nlasts: -4s", ["2:8 `here.lasts`: '-4s': input should be greater than or equal to 0"]),
        ("name: x\ninner: {wait: }", ["2:15 `here.inner.wait`: a value is missing here"]),
        ("name: x\ninner: {wiat: 3ms}", ["2:9 unknown key 'wiat' [wait]"]),
        ("name: x\nmany: [{wait: 3ms}, {wiat: 3ms}]", ["2:22 unknown key 'wiat' [wait]"]),
        ("name: x\nmany: 3", ["2:7 `here.many`: expected a list, found 3"]),
        ("name: x\ninner: [1]", ["2:8 `here.inner`: expected a mapping of keys to values, found a list"]),
        (
            "name: x\nshare: {min: 120%}",
            ["2:14 `here.share.min`: '120%' is not a share: write a percentage from 0% to 100%"],
        ),
        (
            "name: x\nshare: {min: 90%, max: 80%}",
            ["2:8 `here.share`: min 0.9 is above max 0.8: nothing could pass"],
        ),
        (
            "name: x\nshare: {exactly: 1, max: 80%}",
            ["2:8 `here.share`: `exactly` stands alone: take `min` and `max` away"],
        ),
        (
            "name: 12:30\ncount: x\nflag: maybe",
            [
                "2:8 `here.count`: expected a whole number, found 'x'",
                "3:7 `here.flag`: expected true or false, found 'maybe'",
            ],
        ),
        (
            "name: 12\ncount: 0",
            [
                "1:7 `here.name`: expected text, found 12",
                "2:8 `here.count`: 0: input should be greater than or equal to 1",
            ],
        ),
        ("[1]", ["1:1 `here`: expected a mapping of keys to values, found a list"]),
    ],
)
def test_mistakes_of_a_model_are_told_in_words(text: str, expected: list[str]) -> None:
    assert mistakes(text) == expected


class Bare(Settings):
    pass


class Shelf(Settings):
    by_name: dict[str, Inner] = Field(default_factory=dict)


def told(model: type[Settings], text: str) -> list[tuple[str, str | None]]:
    problems: list[Problem] = []
    read_model(model, node(text), problems)
    return [(problem.message, problem.closest) for problem in problems]


def test_an_unknown_key_is_held_against_the_keys_of_its_own_place() -> None:
    assert told(Bare, "a: 1") == [("unknown key 'a': there are no keys here", None)]
    assert told(Shelf, "by_name: {x: {wiat: 3ms}}") == [("unknown key 'wiat'", "wait")]


def test_quantities_are_read_and_written_alike() -> None:
    problems: list[Problem] = []
    text = "name: x\nlasts: 1.5m\nshare: {min: 99.9%, for: 250ms}\ninner: {wait: 7us}"
    read = read_model(Outer, node(text), problems)
    assert read is not None
    assert (read.lasts_s, read.inner) == (90.0, Inner(wait_ms=0.007))
    written = read.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert written["lasts"] == "90s"
    assert written["share"] == {"min": "99.9%", "for": "0.25s"}
    assert written["inner"] == {"wait": "0.007ms"}
    assert Outer.model_validate(written, by_alias=True, by_name=False) == read


def test_python_callers_pass_numbers_in_the_unit_of_the_name() -> None:
    assert Outer(name="x", lasts_s=4).lasts_s == 4.0


def test_words() -> None:
    assert closest("Latnecy", ["latency", "outage"]) == "latency"
    assert closest("zzz", ["latency"]) is None
    assert listed(str(n) for n in range(100, 115)).endswith("and 3 more")
    assert keys_of(Inner) == ("wait",)
