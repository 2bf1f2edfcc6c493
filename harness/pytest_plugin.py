"""The pytest plugin: scenario files as tests, and fixtures that break a stack from Python tests.

Importing this module loads pytest and the standard library alone; everything else is imported when it is used.
"""

from __future__ import annotations

import os
import random
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

import pytest

if TYPE_CHECKING:
    from harness.history.run import Run
    from harness.model.errors import HarnessError
    from harness.testing.chaos import Chaos
    from harness.testing.session import RunningStack, Session

_SUFFIXES = (".yaml", ".yml")
_ORDER = (10, 3, 2, 8, 1, 4, 7, 9, 5)
_NAMED = pytest.StashKey[Iterable[str]]()
_SCOPES = ("function", "class", "module", "package", "session")


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
    """Register markers; draw a random seed, and see what was named, once, before any worker is started."""
    config.addinivalue_line(
        "markers", "harness(load=, orders_per_s=, seed=, ...): how the stack of a Python test is loaded."
    )
    if not config.pluginmanager.hasplugin("xdist"):
        config.addinivalue_line("markers", "xdist_group(name): tests that one worker runs (pytest-xdist).")
    if hasattr(config, "workerinput"):
        config.stash[_NAMED] = config.workerinput["harness_named"]
        config.option.harness_seed = config.workerinput["harness_seed"]
    else:
        config.stash[_NAMED] = _named(config)
        config.pluginmanager.register(_Outcomes(config), "harness-outcomes")
    seed = config.getoption("harness_seed")
    if seed == "random":
        config.option.harness_seed = str(random.randrange(2**32))  # noqa: S311  no secret
    elif seed is not None and not (seed.isdecimal() and int(seed) < 2**32):
        raise pytest.UsageError(f"--harness-seed {seed!r} is neither a number from 0 to 2^32-1 nor `random`")
    if config.getoption("harness_repeat") < 1:
        raise pytest.UsageError(f"--harness-repeat {config.getoption('harness_repeat')} is not at least 1")
    if config.getini("harness_stack_scope") not in _SCOPES:
        raise pytest.UsageError(
            f"harness_stack_scope {config.getini('harness_stack_scope')!r} is none of {', '.join(_SCOPES)}"
        )
    _shard(config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of xdist what was named on the command line, and the seed that was drawn."""
    node.workerinput["harness_named"] = list(node.config.stash[_NAMED])
    node.workerinput["harness_seed"] = node.config.option.harness_seed


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say which seed was chosen, so that a run can be repeated."""
    seed = config.getoption("harness_seed")
    return None if seed is None else f"harness: seed {seed}"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect YAML files with `scenario` among their top-level keys, where they are asked for."""
    if file_path.suffix.lower() not in _SUFFIXES or not _asked_for(file_path, parent.config):
        return None
    from harness.scenario.discovery import is_scenario_file

    if not is_scenario_file(file_path):
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
    """Mark reports by what came of the run, for the terminal, JUnit and the exit code; carry a Python test's figures."""
    session = getattr(item, "funcargs", {}).get("_harness_session")
    if session is not None and call.when == "call":
        item.user_properties += session.take_properties()
    report: Any = yield
    if call.excinfo is not None and report.failed:
        error = call.excinfo.value
        report.harness_code = getattr(error, "harness_code", 1)
        report.harness_word = getattr(error, "harness_word", "")
        if _is_harness_error(error):
            report.harness_code = int(error.exit_code)
            report.longrepr = _where(item.path, call.excinfo) + str(error)
    return report  # type: ignore[no-any-return]


def pytest_report_teststatus(report: Any) -> tuple[str, str, str] | None:
    """Show UNKNOWN and NOT RUN as what they are; they still count as failures."""
    word = getattr(report, "harness_word", "") if report.failed else ""
    if not word:
        return None
    return "failed" if report.when == "call" else "error", word[0].lower(), word


class _Outcomes:
    """Gathers what came of all tests, in the process that reports: with xdist that is the one without tests."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._codes: set[int] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_logreport(self, report: Any) -> Iterator[None]:
        """Remember codes; in JUnit, UNKNOWN and NOT RUN are errors, not failures."""
        result = yield
        if report.failed:
            self._codes.add(getattr(report, "harness_code", 1))
            if getattr(report, "harness_word", "") and report.when == "call":
                _junit_error(self._config, report)
        return result

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Give the exit code that `harness run` would give, when anything of the harness did not pass."""
        if session.exitstatus == pytest.ExitCode.TESTS_FAILED:
            session.exitstatus = next((code for code in _ORDER if code in self._codes), session.exitstatus)


def _scope(fixture_name: str, config: pytest.Config) -> Any:
    return config.getini("harness_stack_scope")


@pytest.fixture(scope=_scope)
def _harness_session(request: pytest.FixtureRequest) -> Iterator[Session]:
    """The one fixture that all public ones stand on: a stack under load."""
    from harness.testing.session import Session
    from harness.testing.settings import setup_of_test

    mark = request.node.get_closest_marker("harness")
    path = getattr(request.node, "path", request.config.rootpath)
    _refuse_markers_below(request, mark)
    marked, node = dict(mark.kwargs) if mark else {}, request.node
    setup = setup_of_test(request.config, node.name, marked, path, nodeid=node.nodeid)
    session = Session(setup)
    session.start()
    try:
        yield session
    finally:
        session.close()


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
        __tracebackhide__ = True
        _harness_session.judge(expectations)

    return judge


@pytest.fixture(scope=_scope)
def assert_failover_within(_harness_session: Session) -> Callable[[float], None]:
    """Fails when the failover took longer than so many seconds."""

    def judge(limit_s: float) -> None:
        __tracebackhide__ = True
        _harness_session.judge({"failover_time": {"max": f"{limit_s}s"}})

    return judge


@pytest.fixture(scope=_scope)
def assert_order_integrity(_harness_session: Session) -> Callable[[], None]:
    """Fails when any predicate of order integrity does."""

    def judge() -> None:
        __tracebackhide__ = True
        _harness_session.judge({"order_integrity": {}})

    return judge


@pytest.fixture(scope=_scope)
def assert_pricing_consistent(_harness_session: Session) -> Callable[[], None]:
    """Fails when any predicate of pricing consistency does."""

    def judge() -> None:
        __tracebackhide__ = True
        _harness_session.judge({"pricing_consistency": {}})

    return judge


def _refuse_markers_below(request: pytest.FixtureRequest, mark: pytest.Mark | None) -> None:
    """A stack that several tests share is loaded as their common marker says: another one further down would be lost."""
    below = [
        item.nodeid
        for item in request.session.items
        if request.node in item.listchain() and item.get_closest_marker("harness") is not mark
    ]
    if below:
        from harness.model.errors import UsageError

        raise UsageError(
            f"{below[0]}: with harness_stack_scope = {request.scope} its marker would be ignored",
            next_step="mark what shares the stack (`pytestmark = pytest.mark.harness(...)`), or take the marker off",
        )


def _is_harness_error(error: BaseException) -> TypeGuard[HarnessError]:
    """Whether the harness raised it on purpose; nothing is imported for an error of somebody else."""
    errors = sys.modules.get("harness.model.errors")
    return errors is not None and isinstance(error, errors.HarnessError)


def _where(path: Path, excinfo: pytest.ExceptionInfo[BaseException]) -> str:
    """The line of the test's own file that led to an error; empty when none did (a fixture, a scenario file)."""
    lines = [entry.lineno + 1 for entry in excinfo.traceback if entry.path == path]
    return f"{path.name}:{lines[-1]}: " if lines else ""


def _asked_for(path: Path, config: pytest.Config) -> bool:
    folders = [*config.getini("harness_paths"), *map(Path, config.stash[_NAMED])]
    return any(path.is_relative_to(folder) for folder in folders)


def _named(config: pytest.Config) -> list[str]:
    """Files and folders that a person named to pytest, the project itself (`pytest .`) excepted.

    Known where the command line was read; a worker of xdist takes over what that process found.
    """
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        return []
    here = config.invocation_params.dir
    named = [Path(os.path.abspath(here / argument.partition("::")[0])) for argument in config.args]  # noqa: PTH100
    project = [here] if config.inipath is None else [here, config.rootpath]
    return [str(place) for place in named if not any(home.is_relative_to(place) for home in project)]


def _shard(config: pytest.Config) -> tuple[int, int] | None:
    text = config.getoption("harness_shard")
    if text is None:
        return None
    match = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", text)
    if match is None or int(match[1]) > int(match[2]):
        raise pytest.UsageError(f"--harness-shard {text!r} is not a part such as 2/4")
    return int(match[1]), int(match[2])


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
