"""The pytest plugin: scenario files as tests, and fixtures that break a stack from Python tests.

Importing this module loads pytest and the standard library alone; everything else is imported when it is used.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.history.run import Run
    from harness.testing.chaos import Chaos
    from harness.testing.session import RunningStack, Session

_SUFFIXES = (".yaml", ".yml")
_SCENARIO_KEY = re.compile(rb"^(\xef\xbb\xbf)?[\"']?scenario[\"']?[ \t]*:", re.MULTILINE)
_CODES = {"FAIL": 1, "UNKNOWN": 7, "NOT_RUN": 9, "HEAL": 10}
_ORDER = (10, 3, 2, 8, 1, 7, 9)
_SEEN = pytest.StashKey[set[int]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options are prefixed, so that they meet nobody else's."""
    group = parser.getgroup("harness", "failover harness")
    add = group.addoption
    add(
        "--harness-stack",
        dest="harness_stack",
        metavar="FILE",
        help="The stack's compose file; default: the nearest.",
    )
    add(
        "--harness-platform",
        dest="harness_platform",
        metavar="NAME",
        help="What runs the stack; default: process.",
    )
    add("--harness-seed", dest="harness_seed", metavar="N", help="The seed of every run; `random` draws one.")
    add(
        "--harness-repeat",
        dest="harness_repeat",
        type=int,
        default=1,
        metavar="N",
        help="Run each scenario N times.",
    )
    add(
        "--harness-tag",
        dest="harness_tag",
        action="append",
        default=[],
        metavar="TAG",
        help="Only such scenarios.",
    )
    add(
        "--harness-set",
        dest="harness_set",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="Override a key.",
    )
    add("--harness-out", dest="harness_out", metavar="DIR", help="Where runs are kept; default: runs.")
    add(
        "--harness-shard",
        dest="harness_shard",
        metavar="I/N",
        help="Only the I-th of N parts of the scenarios.",
    )
    parser.addini("harness_paths", "Folders whose scenario files are collected.", type="paths", default=[])
    parser.addini("harness_may_lack", "Capabilities that the platform may lack.", type="args", default=[])
    parser.addini(
        "harness_stack_scope",
        "How long Python tests share a stack: function, class, module.",
        default="function",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and draw a random seed once, before any worker is started."""
    config.addinivalue_line(
        "markers", "harness(load=, orders_per_s=, seed=, ...): how the stack of a Python test is loaded."
    )
    config.stash[_SEEN] = set()
    seed = config.getoption("harness_seed")
    if seed == "random":
        config.option.harness_seed = str(random.randrange(2**32))  # noqa: S311  no secret
    elif seed is not None and not (seed.isdecimal() and int(seed) < 2**32):
        raise pytest.UsageError(f"--harness-seed {seed!r} is neither a number from 0 to 2^32-1 nor `random`")
    _shard(config)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say which seed was chosen, so that a run can be repeated."""
    seed = config.getoption("harness_seed")
    return None if seed is None else f"harness: seed {seed}"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect YAML files with `scenario` among their top-level keys, where they are asked for."""
    if file_path.suffix not in _SUFFIXES or not _asked_for(file_path, parent):
        return None
    try:
        if _SCENARIO_KEY.search(file_path.read_bytes()) is None:
            return None
    except OSError:
        return None
    from harness.testing.items import ScenarioFile

    collected: pytest.Collector = ScenarioFile.from_parent(parent, path=file_path)
    return collected


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep one part of the scenarios, when a shard is asked for; tests that need a stack share one xdist group."""
    for item in items:
        if "_harness_session" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("harness"))
    shard = _shard(config)
    if shard is None:
        return
    number, count = shard
    scenarios = [item for item in items if hasattr(item, "harness_outcome")]
    left_out = {id(item) for place, item in enumerate(scenarios) if place % count != number - 1}
    config.hook.pytest_deselected(items=[item for item in items if id(item) in left_out])
    items[:] = [item for item in items if id(item) not in left_out]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Mark reports by what came of the run, for the terminal, JUnit and the exit code."""
    report: Any = yield
    if call.excinfo is not None and report.failed:
        word = _word(call.excinfo.value, item)
        if word is not None:
            report.harness_word = word
    return report  # type: ignore[no-any-return]


def pytest_report_teststatus(report: Any) -> tuple[str, str, str] | None:
    """Show UNKNOWN as what it is; it still counts as a failure."""
    if report.failed and getattr(report, "harness_word", None) == "UNKNOWN":
        return "failed", "?", "UNKNOWN"
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_logreport(report: Any) -> Iterator[None]:
    """Remember codes; in JUnit, UNKNOWN is an error, not a failure."""
    result = yield
    word = getattr(report, "harness_word", None)
    if report.failed and _config is not None:
        _config.stash[_SEEN].add(_CODES.get(word or "FAIL", 1))
        if word == "UNKNOWN":
            _junit_error(_config, report)
    return result


_config: pytest.Config | None = None


def pytest_sessionstart(session: pytest.Session) -> None:
    """Keep the configuration, which `pytest_runtest_logreport` is not given."""
    global _config
    _config = session.config


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Give the exit code that `harness run` would give, when anything of the harness did not pass."""
    seen = session.config.stash.get(_SEEN, set())
    if session.exitstatus == pytest.ExitCode.TESTS_FAILED and seen:
        session.exitstatus = next((code for code in _ORDER if code in seen), session.exitstatus)


def _scope(fixture_name: str, config: pytest.Config) -> Any:
    return config.getini("harness_stack_scope")


@pytest.fixture(scope=_scope)
def _harness_session(request: pytest.FixtureRequest) -> Iterator[Session]:
    """The one fixture that all public ones stand on: a stack under load."""
    from harness.engine.setup import Setup
    from harness.testing.session import Session
    from harness.testing.settings import choices, scenario_of_test

    mark = request.node.get_closest_marker("harness")
    marked = dict(mark.kwargs) if mark is not None else {}
    seed = request.config.getoption("harness_seed")
    chosen = choices(request.config)
    path = getattr(request.node, "path", request.config.rootpath)
    scenario = scenario_of_test(
        request.node.name, marked, seed=None if seed is None else int(seed), path=path
    )
    planted = next(
        (item.environment for item in chosen.stack.defects if item.name == marked.get("defect")), {}
    )
    with Session(Setup(scenario, chosen.stack, chosen.platform, chosen.out, planted)) as session:
        yield session


@pytest.fixture(scope=_scope)
def stack(_harness_session: Session) -> RunningStack:
    """The running stack: `stack.primary.provider`, `stack.providers`, `stack.entry_points`."""
    return _harness_session.stack


@pytest.fixture(scope=_scope)
def chaos(_harness_session: Session) -> Chaos:
    """Every fault as a method: `chaos.provider_outage(provider, lasts_s=8)`."""
    return _harness_session.chaos


@pytest.fixture(scope=_scope)
def freeze_history(_harness_session: Session) -> Callable[[], Run]:
    """Drains the load, freezes the history and answers it: `run = freeze_history()`."""
    return _harness_session.freeze


@pytest.fixture(scope=_scope)
def assert_expectations(_harness_session: Session) -> Callable[..., None]:
    """Judges by expectations as a scenario writes them: `assert_expectations(leader_changes={"exactly": 1})`."""

    def judge(**expectations: Any) -> None:
        _harness_session.judge(expectations)

    return judge


@pytest.fixture(scope=_scope)
def assert_failover_within(_harness_session: Session) -> Callable[[float], None]:
    """Fails when the failover took longer than so many seconds."""

    def judge(limit_s: float) -> None:
        _harness_session.judge({"failover_time": {"max": f"{limit_s}s"}})

    return judge


@pytest.fixture(scope=_scope)
def assert_order_integrity(_harness_session: Session) -> Callable[[], None]:
    """Fails when any predicate of order integrity does."""

    def judge() -> None:
        _harness_session.judge({"order_integrity": {}})

    return judge


@pytest.fixture(scope=_scope)
def assert_pricing_consistent(_harness_session: Session) -> Callable[[], None]:
    """Fails when any predicate of pricing consistency does."""

    def judge() -> None:
        _harness_session.judge({"pricing_consistency": {}})

    return judge


def _asked_for(path: Path, parent: pytest.Collector) -> bool:
    folders = parent.config.getini("harness_paths")
    if any(path.is_relative_to(folder) for folder in folders):
        return True
    named = [Path(argument.split("::")[0]).absolute() for argument in parent.config.args]
    return path in named or any(
        path.is_relative_to(place) and place != parent.config.rootpath for place in named
    )


def _shard(config: pytest.Config) -> tuple[int, int] | None:
    text = config.getoption("harness_shard")
    if text is None:
        return None
    match = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", text)
    if match is None or int(match[1]) > int(match[2]):
        raise pytest.UsageError(f"--harness-shard {text!r} is not a part such as 2/4")
    return int(match[1]), int(match[2])


def _word(error: BaseException, item: pytest.Item) -> str | None:
    from harness.testing.outcomes import Inconclusive, NotRunHere

    if isinstance(error, Inconclusive):
        return "UNKNOWN"
    if isinstance(error, NotRunHere):
        return "NOT_RUN"
    return "FAIL" if hasattr(item, "harness_outcome") else None


def _junit_error(config: pytest.Config, report: Any) -> None:
    """Rename the `failure` that pytest has just written; without `--junitxml` there is nothing to do."""
    from _pytest.junitxml import xml_key

    xml = config.stash.get(xml_key, None)
    if xml is None:
        return
    reporter = xml.node_reporter(report)
    for node in reporter.nodes:
        if node.tag == "failure":
            node.tag = "error"
            xml.stats["failure"] -= 1
            xml.stats["error"] += 1
