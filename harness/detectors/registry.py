"""All kinds of detectors by name, and settings as people write them: `fixed:240ms`, `phi:8`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.detectors.cautious import Cautious
from harness.detectors.chen import Chen
from harness.detectors.contract import Kind
from harness.detectors.excused import Excused
from harness.detectors.fixed import Fixed
from harness.detectors.phi import Phi
from harness.documents.words import closest
from harness.model.errors import UsageError
from harness.model.units import UnitError, duration_ns, format_ns

KINDS: Final[tuple[Kind, ...]] = (Fixed(), Excused(), Cautious(), Chen(), Phi())
_LARGEST_PHI: Final = 300.0


@dataclass(frozen=True, slots=True)
class Choice:
    """One kind with one setting."""

    kind: Kind
    setting: float

    def __str__(self) -> str:
        return f"{self.kind.name}:{told_setting(self.kind, self.setting)}"


def told_setting(kind: Kind, setting: float) -> str:
    """A setting as it is written: `240ms`, `8`."""
    return format_ns(setting).replace(" ", "") if kind.unit == "ns" else f"{setting:g}"


def kind_named(name: str) -> Kind:
    """The kind of that name; raises `UsageError` listing the valid ones."""
    for kind in KINDS:
        if kind.name == name:
            return kind
    names = [kind.name for kind in KINDS]
    near = closest(name, names)
    hint = f"; did you mean {near!r}?" if near else ""
    raise UsageError(
        f"there is no detector {name!r}{hint}",
        next_step=f"choose one of {', '.join(names)}, as in fixed:240ms",
    )


def parse_choice(text: str) -> Choice:
    """A kind and its setting from `fixed:240ms` or `phi:8`; raises `UsageError`."""
    name, colon, written = text.partition(":")
    kind = kind_named(name)
    if not colon:
        raise UsageError(f"{text!r} has no setting", next_step=f"write it as {_example(kind)}")
    return Choice(kind, parse_setting(kind, written))


def parse_setting(kind: Kind, written: str) -> float:
    """A setting of a kind from its text; raises `UsageError`."""
    try:
        value = float(duration_ns(written)) if kind.unit == "ns" else float(written)
    except (UnitError, ValueError) as error:
        raise UsageError(
            f"{written!r} is no setting of {kind.name}: {error}", next_step=f"write {_example(kind)}"
        ) from error
    if not value > 0 or (not kind.unit and value > _LARGEST_PHI):
        raise UsageError(f"{written!r} is no setting of {kind.name}", next_step=f"write {_example(kind)}")
    return value


def _example(kind: Kind) -> str:
    return f"{kind.name}:{'240ms' if kind.unit == 'ns' else '8'}"
