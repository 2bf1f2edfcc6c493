"""Verdicts: what a check found, with the figures and the evidence that prove it."""

from __future__ import annotations

import msgspec

from harness.model.outcome import Outcome


class Figure(msgspec.Struct, frozen=True):
    """One measured number. `resolution` is the smallest difference that could have been seen, in `unit`.

    With `one_sided` the true value is never larger than `value`, and smaller by `resolution` at most. `samples` counts the
    measurements that the value comes from: 1 for one time that was taken once, however many probes helped to find it.
    """

    name: str
    value: float
    unit: str
    resolution: float | None = None
    samples: int | None = None
    note: str = ""
    one_sided: bool = False


class Evidence(msgspec.Struct, frozen=True):
    """One counter-example or supporting fact, as a sentence, with the history rows that prove it.

    `at_ns` is on the run's clock; `rows` name entries of the history (`operations:17`, `journal:93`).
    """

    text: str
    at_ns: int | None = None
    rows: tuple[str, ...] = ()


class Finding(msgspec.Struct, frozen=True):
    """The outcome of one predicate (`O2`, `P10`) inside a check that judges several."""

    predicate: str
    outcome: Outcome
    summary: str
    judged: int = 0
    evidence: tuple[Evidence, ...] = ()
    waived: str | None = None


class Verdict(msgspec.Struct, frozen=True):
    """What one check says of one run. `correctness` verdicts are never softened by a stall of the host."""

    check: str
    outcome: Outcome
    summary: str
    correctness: bool = False
    bound: str = ""
    figures: tuple[Figure, ...] = ()
    findings: tuple[Finding, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    environment_caused: bool = False
