"""Variables in compose files: `$NAME`, `${NAME}`, `${NAME:-default}` and its kin, and `$$` for a dollar.

Source: the Compose specification, "Interpolation". Defaults may hold variables themselves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as Variables
from typing import Final

from harness.documents.core_schema import NotOfTag, read_plain
from harness.documents.nodes import Listing, Node, Scalar
from harness.stack.findings import Findings

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR: Final = re.compile(r":?[-?+]")
_DEEPEST: Final = 20


class VariableError(ValueError):
    """A variable that is required and not there, or text after `$` that means nothing."""


def interpolate(text: str, variables: Variables[str, str], *, unset: set[str] | None = None) -> str:
    """The text with its variables replaced; names without value or default become empty and are added to `unset`.

    >>> interpolate("${SEED:-7} costs $$${PRICE-${SEED:-1}}", {"SEED": ""})
    '7 costs $1'
    """
    return _interpolate(text, variables, set() if unset is None else unset, depth=0)


def interpolate_nodes(root: Node, variables: Variables[str, str], findings: Findings) -> None:
    """Replace the variables in every value below a node, in place; keys stay as they are."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Scalar):
            _interpolate_scalar(node, variables, findings)
        else:
            waiting.extend(node.items if isinstance(node, Listing) else node.values.values())


def _interpolate_scalar(scalar: Scalar, variables: Variables[str, str], findings: Findings) -> None:
    if "$" not in scalar.text or not isinstance(scalar.value, str):
        return
    unset: set[str] = set()
    try:
        scalar.text = interpolate(scalar.text, variables, unset=unset)
        scalar.value = read_plain(scalar.text) if scalar.plain else scalar.text
    except (VariableError, NotOfTag) as error:
        findings.problem(scalar.mark, str(error))
    for name in sorted(unset):
        findings.warn(scalar.mark, f"the variable {name} is not set, and empty text stands in for it")


def _interpolate(text: str, variables: Variables[str, str], unset: set[str], *, depth: int) -> str:
    if depth > _DEEPEST:
        raise VariableError("variables are nested too deeply")
    parts: list[str] = []
    position = 0
    while (dollar := text.find("$", position)) >= 0:
        parts.append(text[position:dollar])
        if text.startswith("$$", dollar):
            parts.append("$")
            position = dollar + 2
        elif text.startswith("${", dollar):
            end = _closing(text, dollar)
            parts.append(_braced(text[dollar + 2 : end], variables, unset, depth=depth))
            position = end + 1
        elif (name := _NAME.match(text, dollar + 1)) is not None:
            parts.append(_value(name[0], variables, unset))
            position = name.end()
        else:
            raise VariableError(f"the dollar in {text!r} begins no variable: write $$ for a dollar")
    return "".join(parts) + text[position:]


def _closing(text: str, dollar: int) -> int:
    depth = 0
    position = dollar
    while position < len(text):
        if text.startswith("$$", position):
            position += 2
            continue
        if text.startswith("${", position):
            depth += 1
            position += 2
            continue
        if text[position] == "}":
            depth -= 1
            if depth == 0:
                return position
        position += 1
    raise VariableError(f"${{ in {text!r} is never closed: a }} is missing")


def _braced(inside: str, variables: Variables[str, str], unset: set[str], *, depth: int) -> str:
    name = _NAME.match(inside)
    if name is None:
        raise VariableError(f"${{{inside}}} begins with no variable's name")
    rest = inside[name.end() :]
    if not rest:
        return _value(name[0], variables, unset)
    operator = _OPERATOR.match(rest)
    if operator is None:
        raise VariableError(f"${{{inside}}} means nothing: after {name[0]} comes :-, -, :?, ?, :+ or +")
    word = rest[operator.end() :]
    value = variables.get(name[0])
    there = bool(value) if operator[0].startswith(":") else value is not None
    match operator[0][-1]:
        case "-":
            return (value or "") if there else _interpolate(word, variables, unset, depth=depth + 1)
        case "+":
            return _interpolate(word, variables, unset, depth=depth + 1) if there else ""
        case _:
            if not there:
                raise VariableError(f"the variable {name[0]} must be set" + (f": {word}" if word else ""))
            return value or ""


def _value(name: str, variables: Variables[str, str], unset: set[str]) -> str:
    if name not in variables:
        unset.add(name)
    return variables.get(name, "")
