"""Scenario files as tests: which are collected, what they are called, what comes of them."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from canned_runs import add_scenario, make_project
from filelock import FileLock, Timeout

from harness.engine import suite
from harness.engine.platforms import platform_named
from harness.engine.run import run_scenario
from harness.engine.vocabulary import vocabulary
from harness.guardian.state import state_dir
from harness.testing import items, settings
from harness.testing.machine_lock import machine_to_itself

assert items  # loaded here, once: what a run inside this process imports is forgotten after it
vocabulary()


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """An empty project with `harness_paths = scenarios`; what its conftest replaces is put back afterwards."""
    monkeypatch.setattr(suite, "run_scenario", run_scenario)
    monkeypatch.setattr(settings, "platform_named", platform_named)
    monkeypatch.delenv("CI", raising=False)
    make_project(pytester.path, ini="harness_paths = scenarios\n")
    return pytester


def ids(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if "::" in line and " " not in line]


def started(project: pytest.Pytester) -> list[str]:
    file = project.path / "started.txt"
    return [line.rpartition(" ")[0] for line in file.read_text().splitlines()] if file.exists() else []


def test_names_are_stable_and_hold_the_variant_and_the_seed(project: pytest.Pytester) -> None:
    path = add_scenario(project.path, "outage", extra="parameters: {mode: [dark, frozen]}\nseed: 7\n")
    path.write_text(
        path.read_text().replace("fault: provider_outage", 'fault: provider_outage, mode: "${mode}"')
    )
    result = project.runpytest("--collect-only", "-q")
    assert ids(result) == [
        "scenarios/outage.yaml::outage[mode=dark-seed=7]",
        "scenarios/outage.yaml::outage[mode=frozen-seed=7]",
    ]
    one = project.runpytest("scenarios/outage.yaml::outage[mode=frozen-seed=7]")
    one.assert_outcomes(passed=1)
    assert started(project) == ["outage[mode=frozen] 7"]


def test_files_are_collected_under_harness_paths_or_when_named(project: pytest.Pytester) -> None:
    add_scenario(project.path, "listed")
    add_scenario(project.path, "elsewhere", where="other")
    (project.path / "scenarios" / "values.yaml").write_text("a: 1\nnot: {scenario: 2}\n")
    (project.path / "scenarios" / "notes.yml").write_text("text: |\n  scenario: no\n")
    project.makepyfile("def test_python(): pass")

    def stems(*arguments: str) -> set[str]:
        found = ids(project.runpytest("--collect-only", "-q", "--harness-seed=1", *arguments))
        return {re.split(r"[/.]", line.partition("::")[0])[-2] for line in found}

    python = "test_files_are_collected_under_harness_paths_or_when_named"
    assert stems() == {"listed", python}
    assert stems(".") == {"listed", python}
    assert stems(str(project.path)) == {"listed", python}
    assert stems("other") == {"elsewhere"}
    assert stems("other/elsewhere.yaml") == {"elsewhere"}
    assert stems("scenarios", "other") == {"listed", "elsewhere"}
    assert stems("scenarios/values.yaml") == set()
    (project.path / "flow").mkdir()
    (project.path / "flow" / "many.yaml").write_text('{\n "summary": "x",\n "scenario": "a"\n}\n')
    asked = project.runpytest("--collect-only", "-q", "flow")
    asked.stdout.fnmatch_lines(
        ["*many.yaml*is missing*"]
    )  # as `harness run flow` does: its mistakes are told


def test_a_folder_that_is_named_is_collected_although_it_becomes_the_root(project: pytest.Pytester) -> None:
    (project.path / "pytest.ini").unlink()
    add_scenario(project.path, "outage", where="suite/gate")
    result = project.runpytest("--collect-only", "-q", "suite/gate", "--harness-seed=1")
    result.stdout.fnmatch_lines(["*outage.yaml::outage?seed=1?"])


def test_testpaths_are_no_wish_for_the_scenario_files_below_them(project: pytest.Pytester) -> None:
    (project.path / "pytest.ini").write_text(
        "[pytest]\naddopts = -p no:hypothesispytest\ntestpaths = tests\n"
    )
    add_scenario(project.path, "data", where="tests/data")
    assert ids(project.runpytest("--collect-only", "-q")) == []


def test_outcomes_are_shown_and_the_worst_decides_the_exit_code(project: pytest.Pytester) -> None:
    add_scenario(project.path, "good")
    add_scenario(project.path, "odd", "UNKNOWN")
    result = project.runpytest("-v", "--junitxml=results.xml", "-o", "junit_family=xunit2", "-W", "error")
    assert result.ret == 7
    result.stdout.fnmatch_lines(
        ["*good?seed=*? PASSED*", "*odd?seed=*? UNKNOWN*", "UNKNOWN: odd", "  UNKNOWN failover_time: said so"]
    )
    result.stdout.fnmatch_lines(
        ["*reproduce: harness run *", "*judge again: harness check *", "*1 failed, 1 passed*"]
    )
    add_scenario(project.path, "bad", "FAIL")
    result = project.runpytest("-rA")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAIL: bad", "*the order p-17 is in no log*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*.py:*")


def test_junit_has_unknown_as_an_error_and_the_figures_as_properties(project: pytest.Pytester) -> None:
    for name, outcome in (("good", "PASS"), ("odd", "UNKNOWN"), ("bad", "FAIL")):
        add_scenario(project.path, name, outcome)
    project.runpytest("--junitxml=results.xml", "-o", "junit_family=xunit2", "-W", "error")
    suite_node = ET.parse(project.path / "results.xml").getroot()[0]
    assert {key: suite_node.get(key) for key in ("tests", "errors", "failures", "skipped")} == {
        "tests": "3",
        "errors": "1",
        "failures": "1",
        "skipped": "0",
    }
    cases = {str(case.get("name")).partition("[")[0]: case for case in suite_node}
    assert cases["odd"].find("error") is not None
    assert cases["odd"].find("failure") is None
    assert cases["bad"].find("failure") is not None
    figures = {node.get("name"): node.get("value") for node in cases["good"].iter("property")}
    assert figures["harness.failover_time.failover_time_ms"] == "274.5"
    assert figures["harness.failover_time.share"] == "0.5"


@pytest.mark.parametrize(("outcome", "code"), [("PASS/10", 10), ("UNKNOWN/8", 8)])
def test_what_was_not_healed_and_what_a_guard_stopped_have_their_own_codes(
    project: pytest.Pytester, outcome: str, code: int
) -> None:
    add_scenario(project.path, "odd", "UNKNOWN")
    add_scenario(project.path, "worse", outcome)
    assert project.runpytest().ret == code


def test_an_ordinary_failure_beside_unknown_is_a_failure(project: pytest.Pytester) -> None:
    add_scenario(project.path, "odd", "UNKNOWN")
    project.makepyfile("def test_python(): assert 0")
    assert project.runpytest().ret == 1


def test_an_interrupted_run_ends_the_session(project: pytest.Pytester) -> None:
    add_scenario(project.path, "one", "UNKNOWN/2")
    add_scenario(project.path, "two")
    assert project.runpytest_subprocess().ret == 2
    assert len(started(project)) == 1


def test_not_run_is_an_error_unless_the_suite_may_lack_it(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANNED_LACKS", "pause")
    add_scenario(project.path, "frozen", fault="service_freeze", target="{service: engine}")
    result = project.runpytest("-v", "--junitxml=results.xml")
    assert result.ret == 9
    result.stdout.fnmatch_lines(
        ["*frozen?seed=*? NOT RUN*", "NOT RUN: the fault service_freeze needs pause: *use a real one"]
    )
    assert 'errors="1"' in (project.path / "results.xml").read_text()
    allowed = project.runpytest("-o", "harness_may_lack=pause", "-rs")
    assert allowed.ret == 0
    allowed.stdout.fnmatch_lines(["SKIPPED*NOT RUN: the fault service_freeze needs pause*"])
    assert started(project) == []


def test_selection_by_keyword_tag_shard_and_what_failed_last(project: pytest.Pytester) -> None:
    for number, outcome in enumerate(("PASS", "FAIL", "PASS", "PASS", "PASS")):
        add_scenario(project.path, f"s{number}", outcome, tags="nightly" if number > 2 else "gate")
    base = ("--collect-only", "-q", "--harness-seed=1")
    everything = ids(project.runpytest(*base))
    assert ids(project.runpytest(*base, "-k", "s1 or s4")) == [everything[1], everything[4]]
    assert ids(project.runpytest(*base, "-k", "nightly")) == everything[3:]
    assert ids(project.runpytest(*base, "--harness-tag=nightly")) == everything[3:]
    parts = [ids(project.runpytest(*base, f"--harness-shard={part}/2")) for part in (1, 2)]
    assert sorted(parts[0] + parts[1]) == everything
    assert {len(part) for part in parts} == {2, 3}
    assert project.runpytest("-p", "cacheprovider").ret == 1
    assert [line.partition("[")[0] for line in ids(project.runpytest("--lf", "--collect-only", "-q"))] == [
        "scenarios/s1.yaml::s1"
    ]


def test_repeats_and_seeds(project: pytest.Pytester) -> None:
    add_scenario(project.path, "outage")
    assert project.runpytest("--harness-seed=41", "--harness-repeat=2").ret == 0
    assert started(project) == ["outage 41", "outage 42"]
    drawn = project.runpytest("--harness-seed=random")
    seed = re.search(r"harness: seed (\d+)", drawn.stdout.str())
    assert seed is not None
    assert started(project)[-1] == f"outage {seed[1]}"


def test_keys_are_overridden_from_the_command_line(project: pytest.Pytester) -> None:
    add_scenario(project.path, "outage")
    result = project.runpytest("--harness-set=summary=FAIL")
    assert result.ret == 1


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--harness-seed=x", "--harness-seed 'x' is neither a number*"),
        ("--harness-shard=3/2", "--harness-shard '3/2' is not a part such as 2/4"),
        ("--harness-repeat=0", "--harness-repeat 0 is not at least 1"),
    ],
)
def test_wrong_options_are_usage_errors(project: pytest.Pytester, option: str, message: str) -> None:
    result = project.runpytest(option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{message}"])


def test_a_file_with_mistakes_is_told_with_its_place_and_no_traceback(project: pytest.Pytester) -> None:
    path = add_scenario(project.path, "broken")
    path.write_text(path.read_text().replace("ends: 5s", "end: 5s"))
    result = project.runpytest()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*broken.yaml:7:1: *did you mean 'ends'?"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_name_that_the_stack_lacks_fails_with_its_place(project: pytest.Pytester) -> None:
    add_scenario(project.path, "lost", target="{provider: alhpa}")
    result = project.runpytest()
    assert result.ret == 4
    result.stdout.fnmatch_lines(["*lost.yaml:*alhpa*did you mean 'alpha'?"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_project_without_a_stack_says_what_to_do(project: pytest.Pytester) -> None:
    (project.path / "docker-compose.yml").unlink()
    add_scenario(project.path, "outage")
    result = project.runpytest()
    assert result.ret == 4
    result.stdout.fnmatch_lines(["*stack*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_under_strict_markers_and_without_xdist_nothing_is_unknown(project: pytest.Pytester) -> None:
    add_scenario(project.path, "outage")
    result = project.runpytest(
        "--strict-markers", "-W", "error", "-p", "no:xdist", "-p", "no:xdist.looponfail"
    )
    assert result.ret == 0


def test_runs_share_one_group_of_xdist_and_have_the_machine_to_themselves(project: pytest.Pytester) -> None:
    add_scenario(project.path, "outage")
    project.makepyfile("def test_python(stack): pass")
    found = project.inline_run("scenarios", str(project.path), "--collect-only")
    grouped = next(call.items for call in found.getcalls("pytest_collection_modifyitems"))
    assert [mark.args for item in grouped for mark in item.iter_markers("xdist_group")] == [("harness",)] * 2
    with machine_to_itself(), pytest.raises(Timeout):
        FileLock(state_dir() / "machine.lock", timeout=0, is_singleton=False).acquire()


def test_one_random_seed_is_drawn_for_all_workers_of_xdist(project: pytest.Pytester) -> None:
    for name, outcome in (("one", "PASS"), ("two", "UNKNOWN"), ("three", "PASS")):
        add_scenario(project.path, name, outcome)
    project.makepyfile("import pytest\n@pytest.mark.parametrize('n', range(4))\ndef test_python(n): pass")
    result = project.runpytest_subprocess(
        "-n2", "--dist=loadgroup", "--harness-seed=random", "--junitxml=results.xml", "-p", "no:cacheprovider"
    )
    assert result.ret == 7
    result.assert_outcomes(passed=6, failed=1)
    lines = [line.split() for line in (project.path / "started.txt").read_text().splitlines()]
    assert len({seed for _, seed, _ in lines}) == 1
    assert 'errors="1" failures="0"' in (project.path / "results.xml").read_text()
