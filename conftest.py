"""Settings of the test run: in CI, a test that would skip fails, so that a missing capability is never overlooked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sybil import Example, Sybil
from sybil.parsers.doctest import DocTestParser
from sybil.parsers.markdown import CodeBlockParser
from sybil.sybil import SybilCollection

pytest_plugins = ["pytester"]

# How fast an example ran says what else the machine did, not whether the code is right.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def _load_scenario(example: Example) -> None:
    """A block of YAML in the documentation that is a scenario must be one that loads."""
    text = str(example.parsed)
    if "scenario:" not in text or "ends:" not in text:
        return
    from harness.documents.nodes import Source
    from harness.engine.vocabulary import vocabulary
    from harness.scenario.loading import parse_scenarios

    parse_scenarios(Source(str(example.path), text), path=Path(example.path), vocabulary=vocabulary())


pytest_collect_file = SybilCollection(
    (
        Sybil(parsers=[DocTestParser()], path="harness", pattern="**/*.py"),
        Sybil(
            parsers=[CodeBlockParser(language="yaml", evaluator=_load_scenario)],
            patterns=["README.md", "docs/*.md"],
        ),
    )
).pytest()


@pytest.fixture(scope="session", autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the ledger and locks of tests apart from those of a person who runs the harness meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Turn a skip into a failure in CI; an expected failure stays what it is."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = (
            f"{item.nodeid} would have been skipped; CI must have what it needs: {report.longrepr}"
        )
    return report
