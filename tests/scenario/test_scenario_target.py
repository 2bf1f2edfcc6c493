from __future__ import annotations

import pytest
from pydantic import ValidationError

from harness.scenario.target import LinkSelector, Target


@pytest.mark.parametrize(
    ("target", "text", "words"),
    [
        (Target(provider="primary"), "provider primary", ["primary"]),
        (Target(role="gateway"), "role gateway", ["gateway"]),
        (Target(role="gateway", provider="bravo"), "gateway of bravo", ["bravo", "gateway"]),
        (Target(service="engine-alpha"), "service engine-alpha", ["engine-alpha"]),
        (Target(link=LinkSelector(name="a--b-1")), "link a--b-1", []),
        (Target(link=LinkSelector(between=("a", "b"))), "links a - b", ["a", "b"]),
        (Target(link=LinkSelector(from_="a", to="b")), "links a - b", ["a", "b"]),
        (Target(link=LinkSelector(to="b")), "links b", ["b"]),
    ],
)
def test_targets_say_what_they_mean(target: Target, text: str, words: list[str]) -> None:
    assert str(target) == text
    assert list(target.words()) == words


def test_a_link_may_be_named_by_text_alone() -> None:
    assert Target.model_validate({"link": "a--b-1"}).link == LinkSelector(name="a--b-1")


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"provider": "a", "link": {"to": "b"}},
        {"role": "a", "service": "b"},
        {"link": {}},
        {"link": {"name": "a", "to": "b"}},
        {"link": {"between": ["a"]}},
        {"link": {"between": ["a", "a"]}},
    ],
)
def test_a_target_is_one_thing(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Target.model_validate(wrong)


def test_ends_know_their_paths() -> None:
    assert list(LinkSelector(between=("a", "b")).ends()) == [(("between", 0), "a"), (("between", 1), "b")]
    assert list(LinkSelector(from_="a", to="b").ends()) == [(("from",), "a"), (("to",), "b")]
