"""The page about scenario files is true: its examples load, and it names every fault and check."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.documents.nodes import Source
from harness.documents.reading import keys_of
from harness.engine.vocabulary import vocabulary
from harness.scenario.loading import parse_scenarios
from harness.scenario.settings import Entry, Head

PATH = Path(__file__).parents[2] / "docs" / "scenario-format.md"
TEXT = PATH.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_example_loads(example: str) -> None:
    assert parse_scenarios(Source("docs", example), path=PATH, vocabulary=vocabulary())


def test_every_word_is_told() -> None:
    words = vocabulary()
    told = (*keys_of(Head), *keys_of(Entry), "timeline", "expect", "parameters", *words.faults, *words.checks)
    assert [word for word in told if f"| `{word}` |" not in TEXT] == []
    for name, fault in words.faults.items():
        row = next(line for line in TEXT.splitlines() if line.startswith(f"| `{name}` |"))
        assert [key for key in keys_of(fault) if f"`{key}`" not in row] == [], name
