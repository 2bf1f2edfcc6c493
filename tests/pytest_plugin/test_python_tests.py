"""Fixtures for Python tests, what the plugin costs, and how it lives beside other plugins."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness import load_run

sys.path.insert(0, str(Path(__file__).parent))
from canned_runs import make_project

ROOT = Path(__file__).parents[2]
QUIET = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")


def test_the_plugin_costs_nothing_when_it_is_not_used(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys
        def test_nothing_was_loaded():
            loaded = {name for name in sys.modules if name.partition(".")[0] == "harness"}
            assert loaded == {"harness", "harness.pytest_plugin"}
            assert not {"pydantic", "pandas", "numpy", "yaml", "rich", "msgspec", "click", "gevent"} & set(sys.modules)
        def test_that_fails():
            assert False
        def test_nothing_was_loaded_by_a_failure():
            test_nothing_was_loaded()
        """
    )
    (pytester.path / "values.yaml").write_text("scenario: not asked for\n")
    result = pytester.runpytest_subprocess(*QUIET, "-p", "no:pytest_cov", "-p", "no:locust")
    result.assert_outcomes(passed=2, failed=1)
    assert result.ret == 1


def test_fixtures_of_a_user_break_nothing(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest
        @pytest.fixture
        def history(): return "mine"
        @pytest.fixture
        def stack(): return "mine, too"
        @pytest.fixture
        def session(): return "mine as well"
        """
    )
    pytester.makepyfile(
        "def test_mine(history, stack, session): assert history == 'mine' and stack == 'mine, too'"
    )
    pytester.runpytest(*QUIET, "--strict-markers", "-W", "error").assert_outcomes(passed=1)


def test_public_fixtures_stand_on_one_private_one_alone(pytester: pytest.Pytester) -> None:
    from harness import pytest_plugin

    names = ["stack", "chaos", "freeze_history", "assert_expectations", "assert_failover_within"]
    names += ["assert_order_integrity", "assert_pricing_consistent"]
    for name in names:
        function = getattr(pytest_plugin, name)._get_wrapped_function()
        wanted = function.__code__.co_varnames[: function.__code__.co_argcount]
        assert wanted == ("_harness_session",)


def test_beside_the_plugins_of_locust_xdist_and_timeout(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        @pytest.mark.timeout(5)
        def test_options(pytestconfig):
            assert pytestconfig.getoption("--host") == "http://example.invalid"
            assert pytestconfig.getoption("--harness-seed") == "3"
        """
    )
    result = pytester.runpytest_subprocess(
        *QUIET, "-n1", "--host=http://example.invalid", "--harness-seed=3", "--strict-markers", "-W", "error"
    )
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        ("lode='steady'", "@pytest.mark.harness has no setting 'lode'"),
        ("orders_per_s=0", "@pytest.mark.harness: orders_per_s: 0: *greater than 0"),
        ("load='brust'", "@pytest.mark.harness: load: 'brust' is none of *; did you mean 'burst'?"),
        ("defect='no-such'", "*declares no defect 'no-such'"),
    ],
)
def test_a_wrong_marker_fails_by_its_message_before_anything_starts(
    pytester: pytest.Pytester, mark: str, message: str
) -> None:
    make_project(pytester.path)
    (pytester.path / "conftest.py").unlink()
    pytester.makepyfile(f"import pytest\n@pytest.mark.harness({mark})\ndef test_outage(stack): pass")
    result = pytester.runpytest("-p", "no:cacheprovider")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert not (pytester.path / "runs").exists()


SHARED = "[pytest]\naddopts = -p no:hypothesispytest\nharness_stack_scope = module\n"
MARKED_BELOW = """
import pytest
def test_first(stack): pass
@pytest.mark.harness(load="burst", defect="no-fencing")
def test_second(stack): pass
"""


def test_a_marker_that_a_shared_stack_would_ignore_is_refused(pytester: pytest.Pytester) -> None:
    make_project(pytester.path)
    (pytester.path / "conftest.py").unlink()
    (pytester.path / "pytest.ini").write_text(SHARED)
    pytester.makepyfile(MARKED_BELOW)
    result = pytester.runpytest("-p", "no:cacheprovider")
    result.assert_outcomes(errors=2)
    assert result.ret == 4
    result.stdout.fnmatch_lines(
        [
            "*::test_second: with harness_stack_scope = module its marker would be ignored",
            "  next: *pytestmark*",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    assert not (pytester.path / "runs").exists()


def test_one_marker_for_all_that_share_a_stack_is_taken(pytester: pytest.Pytester) -> None:
    make_project(pytester.path)
    (pytester.path / "conftest.py").unlink()
    (pytester.path / "pytest.ini").write_text(SHARED)
    pytester.makepyfile(
        "import pytest\npytestmark = pytest.mark.harness(lode='x')\ndef test_one(stack): pass"
    )
    result = pytester.runpytest("-p", "no:cacheprovider")
    result.stdout.fnmatch_lines(["*has no setting 'lode'*"])  # it was read: nothing is ignored


def test_a_mistake_in_a_test_body_is_told_with_its_line_and_code_4(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_it="""
        from harness.model.errors import EnvironmentUnfit
        from harness.testing.chaos import Chaos
        def test_typo():
            Chaos(None).provider_outage(mode="drak")
        def test_bug():
            assert False
        """
    )
    result = pytester.runpytest_subprocess(*QUIET, "-k", "typo")
    assert result.ret == 4
    result.stdout.fnmatch_lines(
        ["test_it.py:4: provider_outage: mode: 'drak' is none of dark, abrupt, *; did you mean 'dark'?"]
    )
    for unwanted in ("*Traceback*", "*enum.py*", "*pydantic*"):
        result.stdout.no_fnmatch_line(unwanted)
    assert pytester.runpytest_subprocess(*QUIET).ret == 1, "a failed test is worse"


def test_an_impossible_scope_is_a_usage_error(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nharness_stack_scope = forever\n")
    result = pytester.runpytest(*QUIET)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*harness_stack_scope 'forever' is none of function, *"])


PRINTED = """
import pytest

@pytest.mark.harness(load="steady", orders_per_s=200, seed=7)
def test_outage(stack, chaos, assert_failover_within, assert_order_integrity, assert_pricing_consistent):
    with chaos.provider_outage(stack.primary.provider, lasts_s=2) as outage:
        outage.wait_until_healed()
    assert_failover_within(2.0)
    assert_order_integrity()
    assert_pricing_consistent()
"""


@pytest.mark.processes
def test_the_python_test_that_the_documentation_prints(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PRINTED)
    result = pytester.runpytest_subprocess(
        *QUIET, f"--harness-stack={ROOT / 'docker-compose.yml'}", "--junitxml=results.xml", "-W", "error"
    )
    result.assert_outcomes(passed=1)
    assert "harness.failover_time.failover_time_ms" in (pytester.path / "results.xml").read_text()
    (verdicts,) = (pytester.path / "runs").rglob("verdicts.json")
    from harness.engine.judging import judge_again
    from harness.engine.verdict_file import verdict_bytes

    assert verdict_bytes(judge_again(load_run(verdicts.parent))) == verdicts.read_bytes()


@pytest.mark.processes
def test_a_planted_defect_fails_a_python_test_with_its_evidence(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        pytestmark = pytest.mark.harness(orders_per_s=100, seed=7, steady_s=1.0, defect="stale-surface")
        def test_prices(stack, assert_pricing_consistent):
            assert_pricing_consistent()
        """
    )
    result = pytester.runpytest_subprocess(*QUIET, f"--harness-stack={ROOT / 'docker-compose.yml'}")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*FAIL pricing_consistency*", "*P1 FAIL*", "*judge again: harness check*"])
