"""How often inputs tick, in runs that have no quiet second as well."""

from __future__ import annotations

from harness.checks.examples.history import MS, LiteralHistory
from harness.checks.examples.quotes import CALL, PUT, priced
from harness.checks.pricing.tick_rates import too_slow


def restless(history: LiteralHistory) -> LiteralHistory:
    """The quotes begin when the fault does, so that no second is quiet."""
    for row in history.quotes:
        row["published_ns"] += 1_000 * MS
    return history


def test_enough_ticks_are_enough_with_and_without_a_quiet_second() -> None:
    assert too_slow(priced().run()) == ""
    assert too_slow(restless(priced()).run()) == ""


def test_a_run_without_a_quiet_second_is_judged_as_a_whole() -> None:
    history = restless(priced())
    history.quotes = [row for row in history.quotes if row["source_sequence"] % 5 == 0]
    assert "the index ticks 10.3 times a second" in too_slow(history.run())


def test_without_options_no_surface_has_to_tick() -> None:
    history = priced()
    for row in history.quotes:
        row["surface_age_ns"] = row["published_ns"]
    assert "the surface ticks 1.0 times a second" in too_slow(history.run())
    for instrument in (CALL, PUT):
        history.drop("quotes", instrument=instrument)
    assert too_slow(history.run()) == ""


def test_the_provider_that_hears_most_decides() -> None:
    history = priced()
    history.quotes = [
        row for row in history.quotes if row["provider"] == "alpha" or row["source_sequence"] % 5 == 0
    ]
    assert too_slow(history.run()) == ""
