"""The comparison of two platforms: what it takes for agreement, and what it never leaves out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import platforms_agree
import pytest

from harness.history.meta import RunMeta
from harness.model.judgement import Judgement
from harness.model.outcome import Outcome
from harness.model.verdicts import Figure, Verdict
from harness.report.judged import Judged

Compare: TypeAlias = Callable[..., int]
ONE, OTHER = Path("one"), Path("other")
NEVER = Judgement(Outcome.FAIL, (Verdict("failover_time", Outcome.FAIL, "never served again"),))
LEADS = (("engine-bravo", (("primary_promoted", 2),)),)


def timed(value_ms: float, outcome: Outcome = Outcome.PASS) -> Judgement:
    figures = (Figure("failover_time", value_ms, "ms"),)
    return Judgement(outcome, (Verdict("failover_time", outcome, "", figures=figures),))


def runs(*judgements: Judgement, platform: str, scenario: str = "outage", version: str = "1") -> list[Judged]:
    return [
        Judged(
            RunMeta(
                run_id=f"{scenario}-{platform}-{seed}-{version}",
                scenario=scenario,
                seed=seed,
                platform=platform,
                stack="s",
                versions={"failover-harness": version},
            ),
            judgement,
            path=platform,
        )
        for seed, judgement in enumerate(judgements)
    ]


@pytest.fixture
def compare(monkeypatch: pytest.MonkeyPatch) -> Compare:
    def compared(one: list[Judged], other: list[Judged], decided: dict[str, object] | None = None) -> int:
        sides = {ONE: one, OTHER: other}
        monkeypatch.setattr(platforms_agree, "judged_runs", lambda folders: sides[folders[0]])
        monkeypatch.setattr(platforms_agree, "decisions", lambda path: (decided or {}).get(path, LEADS))
        return platforms_agree.main([str(ONE), str(OTHER)])

    return compared


def test_the_same_runs_agree(compare: Compare, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = (runs(*map(timed, range(250, 259)), platform=name) for name in ("process", "sim"))
    assert compare(one, other) == 0
    out = capsys.readouterr().out
    assert "outage: same, n = 9 / 9" in out
    assert "9 of 9 seen there, 9 of 9 seen here" in out
    assert out.count("n = 9, 0 unjudged; median 254 ms (251 ms to 257 ms), worst 258 ms") == 2


def test_the_same_outcomes_in_other_shares_differ(
    compare: Compare, capsys: pytest.CaptureFixture[str]
) -> None:
    one = runs(*[timed(250)] * 58, timed(999, Outcome.FAIL), platform="process")
    other = runs(timed(250), *[timed(999, Outcome.FAIL)] * 58, platform="sim")
    assert compare(one, other) == 1
    assert (
        "DIFFER in failover_time: 58 PASS, 1 FAIL (n = 59) / 1 PASS, 58 FAIL (n = 59)"
        in capsys.readouterr().out
    )


def test_shares_that_chance_explains_are_the_same(compare: Compare) -> None:
    one, other = (
        runs(*[timed(250)] * 20, *[timed(999, Outcome.FAIL)] * failed, platform=name)
        for name, failed in (("process", 1), ("sim", 3))
    )
    assert compare(one, other) == 0


def test_an_outcome_that_the_other_side_never_had_differs(compare: Compare) -> None:
    one = runs(*[timed(250)] * 59, platform="process")
    assert compare(one, runs(*[timed(250)] * 58, timed(999, Outcome.FAIL), platform="sim")) == 1


def test_decisions_that_no_run_shares_differ(compare: Compare, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = runs(timed(250), platform="process"), runs(timed(250), platform="sim")
    assert compare(one, other, {"sim": (("engine-charlie", (("primary_promoted", 2),)),)}) == 1
    assert "no decision is shared; 0 of 1 seen there, 0 of 1 seen here" in capsys.readouterr().out


def test_a_scenario_on_one_side_only_is_told(compare: Compare, capsys: pytest.CaptureFixture[str]) -> None:
    one = runs(timed(250), platform="process") + runs(timed(250), platform="process", scenario="crash")
    assert compare(one, runs(timed(250), platform="sim")) == 1
    assert "ONLY in one: crash" in capsys.readouterr().out
    assert compare(one[:1], runs(timed(250), platform="sim", scenario="crash")) == 1
    assert "0 of 0 scenarios agree, 2 lie on one side only" in capsys.readouterr().out


def test_versions_in_one_folder_are_not_put_together(
    compare: Compare, capsys: pytest.CaptureFixture[str]
) -> None:
    one = runs(timed(250), platform="process") + runs(timed(250), platform="process", version="2")
    assert compare(one, runs(timed(250), platform="sim")) == 1
    assert "ONLY in one: outage (platform process, 2)" in capsys.readouterr().out


def test_the_worst_times_and_the_unjudged_are_not_left_out(
    compare: Compare, capsys: pytest.CaptureFixture[str]
) -> None:
    one = runs(timed(250), NEVER, timed(9000, Outcome.UNKNOWN), platform="process")
    assert compare(one, runs(timed(250), NEVER, timed(300, Outcome.UNKNOWN), platform="sim")) == 0
    out = capsys.readouterr().out
    assert out.count("n = 2, 1 unjudged; median 250 ms, worst never, not served again in 1 of 2") == 2
    assert "9,000" not in out


def test_folders_without_runs_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for side in ("one", "other"):
        (tmp_path / side).mkdir()
    assert platforms_agree.main([str(tmp_path / "one"), str(tmp_path / "other")]) == 5
    assert "no run lies in" in capsys.readouterr().err
