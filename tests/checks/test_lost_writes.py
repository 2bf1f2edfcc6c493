from __future__ import annotations

from registers import asked, final, run_of

from harness.checks.lost_writes import LostWrites, LostWritesExpectation
from harness.model.outcome import Outcome
from harness.model.verdicts import Verdict


def judged(*rows: dict[str, object], **bound: int) -> Verdict:
    return LostWrites().judge(run_of(*rows), LostWritesExpectation(**bound))


def test_a_write_that_the_end_shows_is_not_lost() -> None:
    verdict = judged(asked("write", "k", 0, value="a"), final("k", "a"))
    assert verdict.outcome is Outcome.PASS
    assert verdict.summary == "0 of 1 acknowledged writes that nothing overwrote are gone"


def test_a_write_that_the_end_does_not_show_is_lost_with_evidence() -> None:
    verdict = judged(
        asked("write", "k", 0, value="a"),
        asked("write", "k", 10, value="b"),
        final("k", "a"),
        final("k", "a"),
    )
    assert verdict.outcome is Outcome.FAIL
    assert verdict.figures[0].value == 1.0
    (evidence,) = verdict.evidence
    assert "wrote 'b'" in evidence.text
    assert "at the end flow-0@alpha read 'a'" in evidence.text
    assert evidence.rows == ("operations:2", "operations:3")


def test_one_of_several_final_reads_that_lacks_it_is_enough() -> None:
    verdict = judged(asked("write", "k", 0, value="a"), final("k", "a"), final("k", None))
    assert verdict.outcome is Outcome.FAIL


def test_a_lost_compare_and_set_counts() -> None:
    verdict = judged(
        asked("write", "k", 0, value="a"),
        asked("cas", "k", 10, value="b", expected="a"),
        final("k", "a"),
    )
    assert verdict.outcome is Outcome.FAIL


def test_what_may_have_been_overwritten_is_not_lost() -> None:
    unknown = asked("write", "k", 0, value="u", took_ms=None)
    acknowledged = asked("write", "k", 10, value="a")
    assert judged(unknown, acknowledged, final("k", "u")).outcome is Outcome.PASS
    together = (asked("write", "k", 0, value="a"), asked("write", "k", 1, value="b"))
    for last in ("a", "b"):
        assert judged(*together, final("k", last)).outcome is Outcome.PASS


def test_a_refused_write_is_none() -> None:
    refused = asked("write", "k", 10, value="b", outcome="fail", code="NOREPLICAS")
    assert judged(asked("write", "k", 0, value="a"), refused, final("k", "a")).outcome is Outcome.PASS
    assert judged(asked("write", "k", 0, value="a"), refused, final("k", "b")).outcome is Outcome.FAIL


def test_every_register_counts_once_and_a_bound_admits_some() -> None:
    rows = [asked("write", f"k{number}", number, value="a") for number in range(4)]
    rows += [final(f"k{number}", None if number < 3 else "a") for number in range(4)]
    assert judged(*rows).figures[0].value == 3.0
    assert judged(*rows, max=3).outcome is Outcome.PASS
    assert judged(*rows, max=None, min=4).outcome is Outcome.FAIL


def test_what_was_not_read_at_the_end_is_unknown() -> None:
    assert judged(asked("write", "k", 0, value="a")).outcome is Outcome.UNKNOWN
    assert judged(final("k", None)).outcome is Outcome.UNKNOWN
    half = judged(asked("write", "k", 0, value="a"), asked("write", "m", 0, value="a"), final("k", "a"))
    assert half.outcome is Outcome.UNKNOWN
    assert "1 register could not be read at the end (m for one)" in half.summary
