"""Scenario files as test items."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.engine.finished import Finished
from harness.engine.setup import Setup, seeded
from harness.engine.suite import Attempt, lacking, repeated, run_suite, why_not
from harness.engine.vocabulary import vocabulary
from harness.history.run import load_run
from harness.model.errors import DocumentError, HarnessError
from harness.model.outcome import ExitCode
from harness.report.names import properties_of
from harness.report.page import make_page
from harness.report.written import write_reports
from harness.scenario.loading import load_scenarios
from harness.scenario.scenario import Scenario
from harness.scenario.validation import validate_against
from harness.stack.choice import flag_of
from harness.testing.machine_lock import machine_to_itself
from harness.testing.outcomes import Aborted, NotRunHere, Unhealed
from harness.testing.results import described, raise_for
from harness.testing.settings import choices


class ScenarioFile(pytest.File):
    """One YAML file; each variant of its matrix, and each repeat, is one item."""

    def collect(self) -> Iterator[ScenarioItem]:
        try:
            scenarios = load_scenarios(
                self.path, vocabulary=vocabulary(), overrides=self.config.getoption("harness_set")
            )
        except HarnessError as error:
            raise self.CollectError(str(error)) from None
        seed, tags = self.config.getoption("harness_seed"), self.config.getoption("harness_tag")
        wanted = [scenario for scenario in scenarios if scenario.matches(tags=tags)]
        if seed is not None:
            wanted = [scenario.with_seed(int(seed)) for scenario in wanted]
        for scenario in repeated(wanted, self.config.getoption("harness_repeat")):
            name = item_name(scenario)
            # Given as text, so that `--lf` finds it again in its cache, where brackets mean parameters.
            yield ScenarioItem.from_parent(
                self, name=name, nodeid=f"{self.nodeid}::{name}", scenario=scenario
            )


def item_name(scenario: Scenario) -> str:
    """A stable name: `primary-provider-outage[mode=frozen-seed=7]`."""
    variant = f"{scenario.variant_text}-" if scenario.variant else ""
    return f"{scenario.name}[{variant}seed={scenario.seed}]"


class ScenarioItem(pytest.Item):
    """One run of one scenario."""

    def __init__(self, *, scenario: Scenario, **more: Any) -> None:
        super().__init__(**more)
        self.scenario = scenario
        self.finished: Finished | None = None
        self.add_marker(pytest.mark.xdist_group("harness"))
        self.extra_keyword_matches.update(scenario.tags)

    def runtest(self) -> None:
        chosen = choices(self.config)
        problems = validate_against(self.scenario, chosen.stack)
        if problems:
            raise DocumentError(tuple(problems))
        self._refuse_or_skip(chosen.platform)
        stack = seeded(chosen.stack, self.scenario, variables=os.environ)
        setup = Setup(
            self.scenario,
            stack,
            chosen.platform,
            chosen.out,
            overrides=tuple(self.config.getoption("harness_set")),
            stack_file=flag_of(stack.path, Path.cwd()),
        )
        with machine_to_itself():
            last = self._run(setup)
        self.finished = last.finished
        self.user_properties += [
            ("harness.run", self._path()),
            *properties_of(last.finished.judgement.verdicts),
        ]
        if last.finished.exit_code is ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        if last.finished.exit_code is ExitCode.HEAL_FAILED:
            raise Unhealed(
                f"healing failed; left behind: {', '.join(last.finished.left) or 'see the journal'}"
            )
        if last.finished.exit_code is ExitCode.GUARD_ABORTED:
            raise Aborted(described(last.finished.meta, last.finished.judgement, run_path=self._path()))
        raise_for(last.finished.meta, last.finished.judgement, run_path=self._path())

    def _run(self, setup: Setup) -> Attempt:
        last: Attempt | None = None
        for last in run_suite([setup]):
            folder = last.finished.folder
            if folder is not None:
                write_reports(make_page(load_run(folder.path), last.finished.judgement), folder.path)
        assert last is not None
        return last

    def _refuse_or_skip(self, platform: Any) -> None:
        missing = lacking(self.scenario, platform)
        if not missing:
            return
        why = why_not(self.scenario, platform)
        if {str(capability) for capability in missing} <= set(self.config.getini("harness_may_lack")):
            pytest.skip(f"NOT RUN: {why}")
        raise NotRunHere(f"NOT RUN: {why}\n  next: make it possible, or list it under harness_may_lack")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, AssertionError | HarnessError | NotRunHere | pytest.fail.Exception):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.name

    def harness_outcome(self) -> str | None:
        """The run's outcome; None when it was not run."""
        return None if self.finished is None else str(self.finished.judgement.outcome)

    def _path(self) -> str:
        folder = self.finished.folder if self.finished is not None else None
        return "" if folder is None else str(folder.path)
