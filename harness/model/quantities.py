"""Field types for what people write in files, each with its unit in the attribute's name.

A field is named with its unit in Python and without it in YAML: `latency_ms: Milliseconds = Field(alias="latency")`
reads `latency: 40ms`, and Python callers pass `latency_ms=40`. Text must carry its unit; a Python number is
taken to be in the unit that the attribute's name states, and is refused where the context is `FROM_FILE`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Generic, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from harness.model.units import duration_ns, fraction, rate_bytes_per_s, size_bytes

T = TypeVar("T")


FROM_FILE: Final = {"from_file": True}  # validation context of what a person wrote: text alone carries a unit


def _from_text(read: Callable[[object], float], *, scale: float = 1.0) -> BeforeValidator:
    def validate(value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, str) or (info.context is not None and info.context.get("from_file")):
            number = read(value)
            return number if scale == 1.0 else number / scale
        return value

    return BeforeValidator(validate)


def _as_text(unit: str, *, scale: float = 1.0) -> PlainSerializer:
    """Write a quantity as a person would, so that a document made from a model reads back to the same model."""

    def serialize(value: float) -> str:
        scaled = round(value * scale, 12) if scale != 1.0 else value
        return f"{int(scaled) if scaled == int(scaled) else scaled!r}{unit}"

    return PlainSerializer(serialize, return_type=str, when_used="json")


_DURATION_SCHEMA = WithJsonSchema(
    {
        "type": "string",
        "pattern": r"^[0-9.eE+-]+ ?(ns|us|µs|ms|s|m|h)$",
        "description": "A duration with its unit, such as 40ms.",
    }
)
Milliseconds = Annotated[
    float, _from_text(duration_ns, scale=1e6), Field(ge=0), _as_text("ms"), _DURATION_SCHEMA
]
Seconds = Annotated[float, _from_text(duration_ns, scale=1e9), Field(ge=0), _as_text("s"), _DURATION_SCHEMA]
Share = Annotated[
    float,
    BeforeValidator(fraction),
    _as_text("%", scale=100.0),
    WithJsonSchema({"type": ["string", "number"], "description": "A share, such as 99.9%."}),
]
SizeBytes = Annotated[
    int,
    _from_text(size_bytes),
    Field(ge=0),
    _as_text("B"),
    WithJsonSchema({"type": "string", "description": "A size with its unit, such as 64KiB."}),
]
BytesPerSecond = Annotated[
    int,
    _from_text(rate_bytes_per_s),
    Field(gt=0),
    _as_text("B/s"),
    WithJsonSchema({"type": "string", "description": "A rate with its unit, such as 125kB/s."}),
]


class Settings(BaseModel):
    """The base of everything that a person writes: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False)


class Bound(Settings, Generic[T]):
    """A bound on one figure: any of `min`, `max`, `exactly`; `for` says how long it must hold."""

    min: T | None = Field(default=None, description="The least value that passes.")
    max: T | None = Field(default=None, description="The greatest value that passes.")
    exactly: T | None = Field(default=None, description="The only value that passes.")
    for_s: Seconds | None = Field(default=None, alias="for", description="How long it must hold, such as 3s.")

    @model_validator(mode="after")
    def _one_kind(self) -> Bound[T]:
        if self.exactly is not None and (self.min is not None or self.max is not None):
            raise ValueError("`exactly` stands alone: take `min` and `max` away")
        if self.min is not None and self.max is not None and self.min > self.max:  # type: ignore[operator]
            raise ValueError(f"min {self.min} is above max {self.max}: nothing could pass")
        return self

    def admits(self, value: float) -> bool:
        """Whether a measured value passes."""
        if self.exactly is not None:
            return bool(value == self.exactly)
        return not (
            (self.min is not None and value < self.min)  # type: ignore[operator]
            or (self.max is not None and value > self.max)  # type: ignore[operator]
        )

    def is_empty(self) -> bool:
        """Whether nothing is asked for."""
        return self.min is None and self.max is None and self.exactly is None
