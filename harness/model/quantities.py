"""Field types for what people write in files, each with its unit in the attribute's name.

A field is named with its unit in Python and without it in YAML: `latency_ms: Milliseconds = Field(alias="latency")`
reads `latency: 40ms`, and Python callers pass `latency_ms=40`. Text must carry its unit; a Python number is
taken to be in the unit that the attribute's name states.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from harness.model.units import duration_ns, fraction, rate_bytes_per_s, size_bytes

T = TypeVar("T")


def _from_text(read: Callable[[object], float], *, scale: float) -> Callable[[Any], Any]:
    def validate(value: Any) -> Any:
        return read(value) / scale if isinstance(value, str) else value

    return validate


_DURATION_SCHEMA = WithJsonSchema(
    {
        "type": "string",
        "pattern": r"^[0-9.eE+-]+ ?(ns|us|µs|ms|s|m|h)$",
        "description": "A duration with its unit, such as 40ms.",
    }
)
Milliseconds = Annotated[
    float, BeforeValidator(_from_text(duration_ns, scale=1e6)), Field(ge=0), _DURATION_SCHEMA
]
Seconds = Annotated[float, BeforeValidator(_from_text(duration_ns, scale=1e9)), Field(ge=0), _DURATION_SCHEMA]
Share = Annotated[
    float,
    BeforeValidator(fraction),
    WithJsonSchema({"type": ["string", "number"], "description": "A share, such as 99.9%."}),
]
SizeBytes = Annotated[
    int,
    BeforeValidator(lambda value: size_bytes(value) if isinstance(value, str) else value),
    Field(ge=0),
    WithJsonSchema({"type": "string", "description": "A size with its unit, such as 64KiB."}),
]
BytesPerSecond = Annotated[
    int,
    BeforeValidator(lambda value: rate_bytes_per_s(value) if isinstance(value, str) else value),
    Field(gt=0),
    WithJsonSchema({"type": "string", "description": "A rate with its unit, such as 125kB/s."}),
]


class Settings(BaseModel):
    """The base of everything that a person writes: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, strict=False)


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
