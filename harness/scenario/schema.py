"""The JSON Schema of scenario files, for editors: each key with its description, default and an example."""

from __future__ import annotations

import json
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from harness.model.quantities import Settings
from harness.scenario.matrix import PARAMETERS
from harness.scenario.settings import Entry, Head, When
from harness.scenario.vocabulary import Vocabulary, is_instant

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_VARIABLE: Final = {"type": "string", "pattern": r"^\$\{[a-z][a-z0-9_]*\}$"}
_UNWANTED: Final = frozenset({"title"})


def scenario_schema(vocabulary: Vocabulary) -> dict[str, Any]:
    """The schema of a scenario file in these words, the same for the same vocabulary."""
    models: list[type[BaseModel]] = [Head, Entry, *vocabulary.faults.values(), *vocabulary.checks.values()]
    refs, generated = models_json_schema([(model, "validation") for model in dict.fromkeys(models)])
    definitions: dict[str, Any] = generated.get("$defs", {})
    expanded = {
        model: _described(model, _expanded(refs[model, "validation"], definitions))
        for model in dict.fromkeys(models)
    }
    head = expanded[Head]
    properties = head["properties"]
    return {
        "$schema": DIALECT,
        "title": "Failover scenario",
        "description": "Load, a timeline of faults, and what is expected of the stack.",
        "type": "object",
        "additionalProperties": False,
        "required": [*head["required"], "expect"],
        "properties": {
            **{key: _with_variable(value) for key, value in properties.items()},
            "timeline": _timeline(vocabulary, expanded),
            "expect": _expect(vocabulary, expanded),
            PARAMETERS: _parameters(),
        },
    }


def schema_text(vocabulary: Vocabulary) -> str:
    """The schema as it is committed: the same text for the same vocabulary, so that files can be compared."""
    return json.dumps(scenario_schema(vocabulary), indent=2, ensure_ascii=False) + "\n"


def _timeline(vocabulary: Vocabulary, expanded: dict[type[BaseModel], Any]) -> dict[str, Any]:
    entries = [_entry(name, fault, expanded, vocabulary) for name, fault in sorted(vocabulary.faults.items())]
    return {
        "type": "array",
        "description": "What goes wrong, and when.",
        "default": [],
        "examples": [
            [
                {
                    "id": "outage",
                    "at": "4s",
                    "fault": "provider_outage",
                    "target": {"provider": "primary"},
                    "lasts": "8s",
                }
            ]
        ],
        "items": {"oneOf": entries} if entries else {},
    }


def _entry(
    name: str, fault: type[Settings], expanded: dict[type[BaseModel], Any], vocabulary: Vocabulary
) -> dict[str, Any]:
    common, own = expanded[Entry]["properties"], expanded[fault]
    kept = {
        key: _with_variable(value) for key, value in common.items() if key not in ("fault", "lasts", "when")
    }
    if not is_instant(fault):
        kept["lasts"] = _with_variable(common["lasts"])
    description = getattr(fault, "summary", "") or common["fault"]["description"]
    return {
        "type": "object",
        "title": name,
        "description": description,
        "additionalProperties": False,
        "required": ["fault", *own.get("required", [])],
        "oneOf": [{"required": ["at"]}, {"required": ["when"]}],
        "properties": {
            **kept,
            "when": {**common["when"], **_when(vocabulary, expanded)},
            "fault": {"const": name, "description": description, "examples": [name]},
            **{key: _with_variable(value) for key, value in own.get("properties", {}).items()},
        },
    }


def _when(vocabulary: Vocabulary, expanded: dict[type[BaseModel], Any]) -> dict[str, Any]:
    """An event of the stack, which an editor can complete, or an id of the file, which it can't."""
    event = {
        "description": When.model_fields["event"].description,
        "examples": ["election_started", "outage.end"],
        "anyOf": [{"enum": [str(word) for word in vocabulary.events]}, {"type": "string"}],
    }
    properties = dict(expanded[Entry]["properties"]["when"].get("properties", {}))
    return {"properties": {**properties, "event": event}}


def _expect(vocabulary: Vocabulary, expanded: dict[type[BaseModel], Any]) -> dict[str, Any]:
    checks = {
        name: {**_nullable(expanded[model]), "examples": expanded[model].get("examples", [{}])}
        for name, model in sorted(vocabulary.checks.items())
    }
    return {
        "type": "object",
        "description": "The checks that judge the run, each with its bounds: at least one.",
        "minProperties": 1,
        "examples": [{"failover_time": {"max": "2s"}, "order_integrity": {}}],
        "additionalProperties": False,
        "properties": checks,
    }


def _parameters() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "A matrix: each name with its values; ${name} stands for a whole value elsewhere in the file.",
        "default": {},
        "examples": [{"mode": ["dark", "frozen"]}],
        "propertyNames": {"pattern": "^[a-z][a-z0-9_]*$"},
        "additionalProperties": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {"type": ["string", "number", "boolean", "null"]},
        },
    }


def _described(model: type[BaseModel], schema: dict[str, Any]) -> dict[str, Any]:
    """A key that a model only gives another default keeps the description that it inherits."""
    bases = [base for base in model.__mro__ if issubclass(base, BaseModel) and base is not BaseModel]
    for name, field in model.model_fields.items():
        shown = schema["properties"][field.alias or name]
        inherited = (base.model_fields[name].description for base in bases if name in base.model_fields)
        description = next((text for text in inherited if text), None)
        if description is not None:
            shown.setdefault("description", description)
    return schema


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """An expectation without bounds may be written as a key with nothing behind it."""
    return {**schema, "type": ["object", "null"]}


def _with_variable(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema, or `${name}` in its place; description, default and examples stay where editors look for them."""
    shown: dict[str, Any] = {
        key: schema[key] for key in ("description", "default", "examples") if key in schema
    }
    bare = {key: value for key, value in schema.items() if key not in shown}
    return {**shown, "anyOf": [bare, _VARIABLE]}


def _expanded(node: Any, definitions: dict[str, Any]) -> Any:
    """The schema with every reference written out: models of settings never contain themselves."""
    if isinstance(node, list):
        return [_expanded(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = definitions[node["$ref"].rpartition("/")[2]]
        return _expanded(
            {**target, **{key: value for key, value in node.items() if key != "$ref"}}, definitions
        )
    kept = {key: value for key, value in node.items() if key not in _UNWANTED or not isinstance(value, str)}
    return _without_null({key: _expanded(value, definitions) for key, value in kept.items()})


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """`anyOf: [x, null]` with a default of null is an optional key: in a file it is x, or absent."""
    options = schema.get("anyOf")
    if (
        schema.get("default", ...) is not None
        or not isinstance(options, list)
        or {"type": "null"} not in options
    ):
        return schema
    others = [option for option in options if option != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    return {**others[0], **rest} if len(others) == 1 else {**rest, "anyOf": others}
