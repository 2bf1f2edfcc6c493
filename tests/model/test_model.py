"""Units, bounds, outcomes and errors."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from harness.model.errors import DocumentError, Problem
from harness.model.outcome import ExitCode, Outcome
from harness.model.quantities import Bound, BytesPerSecond, Milliseconds, Seconds, Settings, Share, SizeBytes
from harness.model.units import UnitError, duration_ns, format_ns, fraction, rate_bytes_per_s, size_bytes


@given(st.integers(0, 10**6))
def test_milliseconds_are_exact(value: int) -> None:
    assert duration_ns(f"{value}ms") == value * 10**6


@pytest.mark.parametrize(
    ("read", "text", "says"),
    [
        (duration_ns, "40", "with its unit"),
        (duration_ns, 40, "with its unit"),
        (duration_ns, "40mm", "one of ns, us"),
        (duration_ns, "", "with its unit"),
        (size_bytes, "3MBit", "one of B, kB"),
        (rate_bytes_per_s, "3MB", "a size a second"),
        (rate_bytes_per_s, 3, "a size a second"),
        (fraction, "101%", "from 0% to 100%"),
        (fraction, "99", "with its unit"),
        (fraction, 1.5, "from 0 to 1"),
        (fraction, True, "with its unit"),
    ],
)
def test_a_quantity_that_cannot_be_read_says_what_would_be_valid(read, text, says) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UnitError, match=says):
        read(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [(268_400_000, "268 ms"), (1_500, "1.5 µs"), (2 * 10**9, "2 s"), (12, "12 ns"), (5000 * 10**9, "5000 s")],
)
def test_durations_for_people(value: int, text: str) -> None:
    assert format_ns(value) == text


def test_fractions_are_the_decimal_that_was_written() -> None:
    assert fraction("99.9%") == 0.999
    assert fraction(0.5) == 0.5


class Sample(Settings):
    delay_ms: Milliseconds = Field(alias="delay")
    lasts_s: Seconds = Field(default=1.0, alias="lasts")
    share: Share = 1.0
    size: SizeBytes = 0
    rate: BytesPerSecond = 1


def test_text_carries_its_unit_and_numbers_are_in_the_attributes_unit() -> None:
    written = Sample.model_validate(
        {"delay": "1.5s", "lasts": "200ms", "share": "5%", "size": "2kB", "rate": "1MB/s"}
    )
    called = Sample(delay_ms=1500.0, lasts_s=0.2, share=0.05, size=2000, rate=10**6)
    assert written == called


def test_unknown_keys_and_negative_durations_are_refused() -> None:
    with pytest.raises(ValidationError):
        Sample.model_validate({"delay": "1s", "dealy": "1s"})
    with pytest.raises(ValidationError):
        Sample.model_validate({"delay": "-1s"})


def test_bounds_admit_what_they_say() -> None:
    assert Bound[Share](min="99%").admits(0.99)
    assert not Bound[Share](min="99%").admits(0.98)
    assert not Bound[int](max=3).admits(4)
    assert Bound[int](exactly=1).admits(1)
    assert not Bound[int](exactly=1).admits(2)
    assert Bound[int]().is_empty()


@pytest.mark.parametrize("bound", [{"exactly": 1, "max": 2}, {"min": 3, "max": 2}])
def test_bounds_that_make_no_sense_are_refused(bound: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Bound[int].model_validate(bound)


def test_the_worst_outcome_wins_and_nothing_judged_is_unknown() -> None:
    assert Outcome.worst([]) is Outcome.UNKNOWN
    order = [Outcome.FAIL, Outcome.UNKNOWN, Outcome.NOT_RUN, Outcome.PASS]
    for worse, better in itertools.combinations(order, 2):
        assert Outcome.worst([better, worse]) is worse


def test_the_exit_code_of_several_runs() -> None:
    assert ExitCode.of([]) is ExitCode.PASSED
    codes = [ExitCode.HEAL_FAILED, ExitCode.INTERNAL, ExitCode.INTERRUPTED, ExitCode.GUARD_ABORTED]
    codes += [ExitCode.FAILED, ExitCode.USAGE, ExitCode.UNKNOWN, ExitCode.NOT_RUN]
    codes += [ExitCode.NOTHING_TO_RUN, ExitCode.PASSED]
    for first, second in itertools.combinations(codes, 2):
        assert ExitCode.of([second, first]) is first


def test_a_problem_shows_its_place_and_the_closest_word() -> None:
    problem = Problem(
        "s.yaml", 3, 7, "unknown key 'lods'", source_line="  x:  lods: 1", width=4, closest="load"
    )
    assert str(problem).splitlines() == [
        "s.yaml:3:7: unknown key 'lods'; did you mean 'load'?",
        "      x:  lods: 1",
        "          ^~~~",
    ]
    error = DocumentError((problem,), next_step="mend it")
    assert error.exit_code is ExitCode.USAGE
    assert str(error).endswith("next: mend it")
