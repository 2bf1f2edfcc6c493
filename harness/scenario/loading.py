"""Loading scenario files: from a person's YAML to checked scenarios, or to every mistake at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from harness.documents.composing import compose, decode, read_bytes
from harness.documents.nodes import Mapping as MappingNode
from harness.documents.nodes import Node, Scalar, Source, descend, kind, place, plain
from harness.documents.reading import read_model
from harness.documents.words import closest, listed
from harness.model.errors import DocumentError, Problem
from harness.model.quantities import Settings
from harness.model.units import UnitError, duration_ns
from harness.scenario.matrix import PARAMETERS, Variant, expand
from harness.scenario.overrides import apply_overrides
from harness.scenario.scenario import Scenario, default_seed
from harness.scenario.settings import Head, SteadyState
from harness.scenario.timeline import Frame, read_timeline
from harness.scenario.vocabulary import Vocabulary

GRACE_S: Final = 60.0
_JUDGES_NOTHING: Final = "so nothing would be judged: add at least one check (harness list --checks)"
_ELSEWHERE: Final = ("timeline", "expect", PARAMETERS)


def load_scenarios(path: Path, *, vocabulary: Vocabulary, overrides: Sequence[str] = ()) -> list[Scenario]:
    """The scenarios of a file: one, or one for each combination of its `parameters`.

    Raises `DocumentError` with every mistake at once, and `UsageError` when the file can't be read.
    """
    source = decode(read_bytes(path), name=str(path))
    return parse_scenarios(source, path=path, vocabulary=vocabulary, overrides=overrides)


def parse_scenarios(
    source: Source, *, path: Path, vocabulary: Vocabulary, overrides: Sequence[str] = ()
) -> list[Scenario]:
    """The scenarios of a text; `path` is the file that they are said to come from. Raises `DocumentError`."""
    root = compose(source)
    if not isinstance(root, MappingNode):
        raise DocumentError((root.mark.problem(f"a scenario file is a mapping of keys, not {kind(root)}"),))
    root = apply_overrides(root, overrides)
    if "scenario" not in root.values and closest("scenario", root.values) is None:
        raise DocumentError((root.mark.problem("this is no scenario file: `scenario` is missing"),))
    problems: list[Problem] = []
    read = [_read(variant, path, vocabulary, problems) for variant in expand(root, problems)]
    if problems:
        found = dict.fromkeys(problems)  # the variants of a file share most of their mistakes
        raise DocumentError(tuple(sorted(found, key=lambda problem: (problem.line, problem.column))))
    return [scenario for scenario in read if scenario is not None]


def from_document(document: Mapping[str, Any], *, path: Path, vocabulary: Vocabulary) -> Scenario:
    """The scenario that `Scenario.resolved_document` wrote, as an old run keeps it.

    Raises `DocumentError` for one with words that this vocabulary no longer has.
    """
    text = json.dumps({**document, PARAMETERS: {}}, ensure_ascii=False, indent=1)
    (scenario,) = parse_scenarios(Source(str(path), text), path=path, vocabulary=vocabulary)
    variant = {name: values[0] for name, values in document.get(PARAMETERS, {}).items()}
    return replace(scenario, variant=variant)


def _read(variant: Variant, path: Path, vocabulary: Vocabulary, problems: list[Problem]) -> Scenario | None:
    root = variant.root
    before = len(problems)
    head = read_model(Head, root, problems, leave_out=_ELSEWHERE)
    frame = _frame(root) if head is None else Frame(head.steady_state.for_s, head.ends_s)
    timeline = read_timeline(root.values.get("timeline"), vocabulary, frame, problems)
    expect = _read_expect(root, vocabulary, problems)
    if head is not None:
        _check_head(root, head, problems)
    if head is None or len(problems) > before:
        return None
    return Scenario(
        name=head.scenario,
        summary=head.summary,
        tags=head.tags,
        path=path,
        load=head.load,
        steady_state=head.steady_state,
        timeline=timeline,
        ends_s=head.ends_s,
        timeout_s=head.timeout_s if head.timeout_s is not None else head.ends_s + GRACE_S,
        expect=expect,
        abort_when=head.abort_when,
        allow=head.allow,
        seed=head.seed if head.seed is not None else default_seed(head.scenario),
        variant=variant.values,
        node=root,
    )


def _frame(root: MappingNode) -> Frame:
    """The times of a file whose top level has mistakes, as far as they can be read."""
    steady = descend(root, ("steady_state", "for"))
    default_s = SteadyState().for_s if "steady_state" not in root.values else None
    return Frame(_seconds(steady) if steady is not root else default_s, _seconds(root.values.get("ends")))


def _seconds(node: Node | None) -> float | None:
    try:
        return duration_ns(plain(node)) / 1e9 if node is not None else None
    except UnitError:
        return None


def _read_expect(root: MappingNode, vocabulary: Vocabulary, problems: list[Problem]) -> dict[str, Settings]:
    node = root.values.get("expect")
    if node is None:
        if closest("expect", root.values) is None:  # otherwise the key that is misspelt is told
            problems.append(root.mark.problem(f"`expect` is missing, {_JUDGES_NOTHING}"))
        return {}
    if plain(node) in (None, {}):
        problems.append(root.keys["expect"].problem(f"`expect` names no check, {_JUDGES_NOTHING}"))
        return {}
    if not isinstance(node, MappingNode):
        problems.append(node.mark.problem(f"`expect`: expected checks with their bounds, found {kind(node)}"))
        return {}
    expectations: dict[str, Settings] = {}
    for name, body in node.values.items():
        model = vocabulary.checks.get(name)
        if model is None:
            near = closest(name, vocabulary.checks)
            hint = "" if near else f": the checks are {listed(vocabulary.checks)}"
            problems.append(node.keys[name].problem(f"there is no check {name!r}{hint}", closest=near))
            continue
        empty = isinstance(body, Scalar) and body.value is None
        settings = MappingNode(body.mark, {}, {}) if empty else body
        expectation = read_model(model, settings, problems, path=("expect", name))
        if expectation is not None:
            expectations[name] = expectation
    return expectations


def _check_head(root: MappingNode, head: Head, problems: list[Problem]) -> None:
    steady: SteadyState = head.steady_state
    if steady.for_s >= head.ends_s:
        mark = (
            place(root, ("steady_state", "for")) if "steady_state" in root.values else place(root, ("ends",))
        )
        problems.append(
            mark.problem(
                f"the steady state takes {steady.for_s:g}s, and the scenario ends at {head.ends_s:g}s"
            )
        )
    if head.timeout_s is not None and head.timeout_s < head.ends_s:
        problems.append(
            place(root, ("timeout",)).problem(
                f"the run is stopped after {head.timeout_s:g}s, before the scenario ends at {head.ends_s:g}s"
            )
        )
