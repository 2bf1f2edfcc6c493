from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from scenario_words import GOOD, VOCABULARY

from harness.documents.composing import compose
from harness.documents.nodes import Source, plain
from harness.scenario.schema import scenario_schema

ROOT = Path(__file__).parents[2]
SCHEMA = scenario_schema(VOCABULARY)


def errors(text: str) -> list[str]:
    document = plain(compose(Source("s.yaml", text)))
    return [error.message for error in Draft202012Validator(SCHEMA).iter_errors(document)]


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "scenario: x\nends: 5s\nexpect: {order_integrity: }",
        GOOD.replace("fault: outage", "fault: outage\n    mode: ${mode}") + "parameters: {mode: [dark]}",
        GOOD.replace("at: 4s", "when: {event: outage.end}"),
    ],
)
def test_good_files_fit_the_schema(text: str) -> None:
    assert errors(text) == []


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("ends: 20s", ""),
        "scenario: x\nends: 5s",
        "scenario: x\nends: 5s\nexpect: {}",
        GOOD.replace("tags", "tgas"),
        GOOD.replace("at: 4s", "at: 4"),
        GOOD.replace("    at: 4s\n", ""),
        GOOD.replace("fault: outage", "fault: outgae"),
        GOOD.replace("lasts", "latency"),
        GOOD.replace("fault: outage", "fault: reset"),
        GOOD.replace("max: 2s", "mx: 2s"),
        GOOD.replace("order_integrity", "order"),
        GOOD.replace("[gate]", "gate"),
    ],
)
def test_mistakes_don_t(text: str) -> None:
    assert errors(text)


def test_each_key_has_a_description_and_each_top_level_key_an_example() -> None:
    for key, schema in SCHEMA["properties"].items():
        assert schema["description"], key
        assert schema["examples"], key
    for entry in SCHEMA["properties"]["timeline"]["items"]["oneOf"]:
        for key in ("id", "at", "when", "fault"):
            assert entry["properties"][key]["description"], key
            assert entry["properties"][key]["examples"], key


def test_an_instant_fault_can_t_last() -> None:
    entries = {
        entry["title"]: entry["properties"] for entry in SCHEMA["properties"]["timeline"]["items"]["oneOf"]
    }
    assert "lasts" in entries["outage"]
    assert "lasts" not in entries["reset"]


def test_the_committed_schema_is_the_generated_one() -> None:
    from harness.engine.vocabulary import vocabulary
    from harness.scenario.schema import schema_text

    committed = (ROOT / "schema" / "scenario.schema.json").read_text(encoding="utf-8")
    assert committed == schema_text(vocabulary()), "run: harness schema > schema/scenario.schema.json"


def test_every_key_of_the_installed_vocabulary_has_a_description() -> None:
    from harness.engine.vocabulary import vocabulary

    schema = scenario_schema(vocabulary())
    for entry in schema["properties"]["timeline"]["items"]["oneOf"]:
        for key, value in entry["properties"].items():
            assert value.get("description"), f"{entry['title']}.{key}"
    for name, check in schema["properties"]["expect"]["properties"].items():
        for key, value in check.get("properties", {}).items():
            assert value.get("description"), f"{name}.{key}"
