"""The matrix of a scenario file: `parameters`, and `${name}` where a whole value stands for one of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Final, NamedTuple

from harness.documents.nodes import Listing, Node, Scalar, kind
from harness.documents.nodes import Mapping as MappingNode
from harness.documents.words import closest, listed
from harness.model.errors import Problem
from harness.scenario.scenario import Value, shown

PARAMETERS: Final = "parameters"
LARGEST: Final = 1000

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_WHOLE: Final = re.compile(r"\$\{\s*([^{}]*?)\s*\}")


class Variant(NamedTuple):
    """One combination of parameters, and the file with it put in place."""

    values: dict[str, Value]
    root: MappingNode


def expand(root: MappingNode, problems: list[Problem]) -> Iterator[Variant]:
    """Each combination in the file's order; the file as it is when it has no `parameters`.

    Mistakes go to `problems`; then there is no combination.
    """
    if PARAMETERS not in root.values and "${" not in root.mark.source.text:
        yield Variant({}, root)
        return
    choices = _choices(root.values.get(PARAMETERS), problems)
    _check_use(root, choices, problems)
    if problems:
        return
    for combination in product(*choices.values()):
        chosen = dict(zip(choices, combination, strict=True))
        values = {name: scalar.value for name, scalar in chosen.items()}
        replaced = _replaced(root, chosen)
        assert isinstance(replaced, MappingNode)
        yield Variant(values, replaced)


def _choices(node: Node | None, problems: list[Problem]) -> dict[str, list[Scalar]]:
    if node is None:
        return {}
    if not isinstance(node, MappingNode):
        problems.append(node.mark.problem(f"`{PARAMETERS}`: expected `name: [value, …]`, found {kind(node)}"))
        return {}
    choices = {name: _values(name, value, node, problems) for name, value in node.values.items()}
    count = 1
    for values in choices.values():
        count *= len(values)
    if count > LARGEST:
        problems.append(
            node.mark.problem(f"`{PARAMETERS}` make {count:,} combinations, more than {LARGEST:,}")
        )
        return {name: values[:1] for name, values in choices.items()}
    return choices


def _values(name: str, node: Node, parent: MappingNode, problems: list[Problem]) -> list[Scalar]:
    if not _NAME.fullmatch(name):
        problems.append(
            parent.keys[name].problem(
                f"{name!r} is no name for a parameter: use lower case letters, digits and _"
            )
        )
    items = node.items if isinstance(node, Listing) else []
    if not items:
        problems.append(
            node.mark.problem(f"`{PARAMETERS}.{name}`: expected a list of values, found {kind(node)}")
        )
    values: dict[str, Scalar] = {}
    for item in items:
        if not isinstance(item, Scalar):
            problems.append(
                item.mark.problem(f"`{PARAMETERS}.{name}`: expected a single value, found {kind(item)}")
            )
        elif shown(item.value) in values:
            problems.append(item.mark.problem(f"`{PARAMETERS}.{name}`: {shown(item.value)} is there twice"))
        else:
            values[shown(item.value)] = item
    return list(values.values())


def _check_use(root: MappingNode, choices: Mapping[str, list[Scalar]], problems: list[Problem]) -> None:
    used: set[str] = set()
    for key, value in root.values.items():
        if key != PARAMETERS:
            _check_below(value, choices, used, problems)
    declared = root.values.get(PARAMETERS)
    if isinstance(declared, MappingNode):
        problems.extend(
            declared.keys[name].problem(f"the parameter {name!r} is used nowhere: write ${{{name}}}")
            for name in choices
            if name not in used
        )


def _check_below(
    node: Node, choices: Mapping[str, list[Scalar]], used: set[str], problems: list[Problem]
) -> None:
    if isinstance(node, Scalar):
        _check_scalar(node, choices, used, problems)
        return
    for child in node.items if isinstance(node, Listing) else node.values.values():
        _check_below(child, choices, used, problems)


def _check_scalar(
    scalar: Scalar, choices: Mapping[str, list[Scalar]], used: set[str], problems: list[Problem]
) -> None:
    if "${" not in scalar.text:
        return
    whole = _WHOLE.fullmatch(scalar.text)
    if whole is None:
        problems.append(
            scalar.mark.problem(f"{scalar.text!r}: ${{…}} stands for a whole value, never for a part of one")
        )
    elif whole[1] in choices:
        used.add(whole[1])
    else:
        known = listed(choices) if choices else "none"
        problems.append(
            scalar.mark.problem(
                f"no parameter is called {whole[1]!r}: `{PARAMETERS}` has {known}",
                closest=closest(whole[1], choices),
            )
        )


def _replaced(node: Node, chosen: Mapping[str, Scalar]) -> Node:
    """A copy with each `${name}` replaced by the value as it stands under `parameters`, with that value's place."""
    if isinstance(node, Scalar):
        whole = _WHOLE.fullmatch(node.text) if "${" in node.text else None
        return node if whole is None else chosen[whole[1]]
    if isinstance(node, Listing):
        return Listing(node.mark, [_replaced(item, chosen) for item in node.items])
    return MappingNode(
        node.mark, node.keys, {key: _replaced(value, chosen) for key, value in node.values.items()}
    )
