"""One registry for everything that plugins add to: what breaks its contract is refused, and named."""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib.metadata import EntryPoint

import pytest

from harness import registry
from harness.checks.registry import CHECKS
from harness.faults.registry import FAULTS
from harness.model.errors import UsageError
from harness.registry import Registry


class Shape(ABC):
    name = "shape"

    @abstractmethod
    def area(self) -> float: ...


class Square(Shape):
    name = "square"
    sides = 4

    def area(self) -> float:
        return 1.0


class Circle(Square):
    name = "circle"


class Sideless(Shape):
    name = "sideless"

    def area(self) -> float:
        return 0.0


class Flat(Shape):
    name = "flat"
    sides = 2


SHAPES = Registry[type[Shape]](
    "shape", Shape, (Square,), needs=("sides",), flaw=lambda kind: "is odd" if kind.name == "odd" else ""
)


class OddOne(Square):
    name = "odd"


def plugin(value: str) -> EntryPoint:
    return EntryPoint("theirs", value, SHAPES.group)


def test_plugins_come_after_what_the_harness_brings(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def installed(*, group: str) -> list[EntryPoint]:
        asked.append(group)
        return [plugin(f"{__name__}:Circle")]

    monkeypatch.setattr(registry, "entry_points", installed)
    shapes = Registry[type[Shape]]("shape", Shape, (Square,), needs=("sides",))
    assert dict(shapes.all()) == {"square": Square, "circle": Circle}
    assert shapes.named("circle") is Circle
    assert asked == ["harness.shapes"], "looked for more than once"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("builtins:len", r"is no shape: it must be a subclass of test_registry\.Shape"),
        ("builtins:dict", r"is no shape: it must be a subclass of test_registry\.Shape"),
        (f"{__name__}:Sideless", "the shape Sideless lacks `sides`"),
        (f"{__name__}:Flat", "the shape Flat lacks `area`"),
        (
            f"{__name__}:Square",
            r"a shape 'square' exists already\n  next: choose a name that is none of square",
        ),
        (f"{__name__}:OddOne", "the shape OddOne is odd"),
        ("no_such_module:Shape", r"can't be loaded: ModuleNotFoundError: .*\n  next: mend the package"),
    ],
)
def test_a_plugin_that_breaks_the_contract_is_named(value: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as caught:
        SHAPES.gathered([plugin(value)])
    assert f"entry point theirs ({value})" in str(caught.value)


def test_a_name_that_is_none_tells_the_closest() -> None:
    with pytest.raises(
        UsageError, match="no shape 'sqare'; did you mean 'square'\\?\n  next: choose from square"
    ):
        SHAPES.named("sqare")


def test_faults_and_checks_are_registered_by_the_same_rules() -> None:
    assert (FAULTS.group, CHECKS.group) == ("harness.faults", "harness.checks")
    with pytest.raises(UsageError, match="no fault 'latncy'; did you mean 'latency'"):
        FAULTS.named("latncy")
    with pytest.raises(UsageError, match="no check 'recovry'; did you mean 'recovery'"):
        CHECKS.named("recovry")
    for kinds in (FAULTS, CHECKS):
        taken = next(iter(kinds.all().values()))
        with pytest.raises(UsageError, match="exists already"):
            kinds.gathered([EntryPoint("again", f"{taken.__module__}:{taken.__name__}", kinds.group)])
