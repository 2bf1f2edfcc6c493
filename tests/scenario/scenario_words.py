"""A tiny vocabulary, and helpers to read scenarios from literal text."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

import pytest
from pydantic import Field

from harness.documents.nodes import Source
from harness.model.errors import DocumentError
from harness.model.quantities import Bound, Milliseconds, Seconds, Settings, Share
from harness.scenario.loading import parse_scenarios
from harness.scenario.scenario import Scenario
from harness.scenario.target import LinkSelector, Target
from harness.scenario.vocabulary import Vocabulary


class Outage(Settings):
    summary: ClassVar[str] = "A provider is lost."
    mode: Literal["dark", "abrupt", "frozen"] = Field(default="dark", description="How it is lost.")
    target: Target = Field(description="Who is lost.")


class Slow(Settings):
    latency_ms: Milliseconds = Field(alias="latency", description="How much slower.")
    targets: tuple[Target, ...] = ()
    links: LinkSelector | None = None


class Reset(Settings):
    instant: ClassVar[bool] = True
    target: Target


class FailoverTime(Settings):
    max_s: Seconds | None = Field(default=None, alias="max", description="The longest that passes.")


class Nothing(Settings):
    pass


VOCABULARY = Vocabulary(
    faults={"outage": Outage, "slow": Slow, "reset": Reset},
    checks={"failover_time": FailoverTime, "availability": Bound[Share], "order_integrity": Nothing},
)

GOOD = """\
scenario: primary-outage
summary: The primary's provider goes dark.
tags: [gate]
load: {profile: burst, orders_per_s: 50}
steady_state: {for: 3s, availability: {min: 99.9%}}
timeline:
  - id: outage
    at: 4s
    fault: outage
    target: {provider: primary}
    lasts: 8s
ends: 20s
expect:
  failover_time: {max: 2s}
  order_integrity:
abort_when: {availability: {max: 20%, for: 15s}}
"""

EXPECT = "expect: {order_integrity: }\n"


def read(text: str, *overrides: str) -> list[Scenario]:
    return parse_scenarios(
        Source("s.yaml", text), path=Path("s.yaml"), vocabulary=VOCABULARY, overrides=overrides
    )


def mistakes(text: str, *overrides: str) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        read(text, *overrides)
    return [
        f"{problem.line}:{problem.column}: {problem.message}"
        + (f"; did you mean {problem.closest!r}?" if problem.closest else "")
        for problem in caught.value.problems
    ]


def scenario_of(timeline: str, *, ends: str = "20s", more: str = "") -> str:
    """A scenario whose timeline's entries are written one a line in flow style, from line 4 on."""
    return f"scenario: x\nends: {ends}\ntimeline:\n{timeline.strip(chr(10))}\n{more}\n{EXPECT}"
