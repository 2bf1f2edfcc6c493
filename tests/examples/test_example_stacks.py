"""Each example is right by itself: its stack, its scenarios, its adapter, its declared defects, its page."""

from __future__ import annotations

from pathlib import Path

import pytest
from example_files import STACKS

from harness.engine.vocabulary import vocabulary
from harness.load.workload import RegisterWorkload, workload_of
from harness.scenario.discovery import discover
from harness.scenario.loading import load_scenarios
from harness.scenario.validation import validate_against
from harness.stack.loading import load_adapter
from harness.stack.reading import read_stack


@pytest.mark.parametrize("folder", STACKS, ids=lambda folder: folder.name)
def test_its_scenarios_fit_its_stack(folder: Path) -> None:
    stack = read_stack(folder / "docker-compose.yml", variables={})
    files = discover([folder / "scenarios"])
    for path in files:
        for scenario in load_scenarios(path, vocabulary=vocabulary()):
            assert validate_against(scenario, stack) == []
            assert scenario.name == path.stem
            assert scenario.summary.endswith(".")
    for defect in stack.defects:
        assert {folder / name for name in defect.caught_by} <= set(files)


@pytest.mark.parametrize("folder", STACKS, ids=lambda folder: folder.name)
def test_its_services_stand_on_three_providers_and_all_say_what_runs_locally(folder: Path) -> None:
    stack = read_stack(folder / "docker-compose.yml", variables={})
    assert stack.providers == ("alpha", "bravo", "charlie")
    assert all(service.process_command for service in stack.services)
    assert all(link.source_provider != link.target_provider for link in stack.links if link.crosses_wan)


@pytest.mark.parametrize("folder", STACKS, ids=lambda folder: folder.name)
def test_its_adapter_declares_registers(folder: Path) -> None:
    stack = read_stack(folder / "docker-compose.yml", variables={})
    workload = workload_of(load_adapter(stack.adapter, base=folder)())
    assert isinstance(workload, RegisterWorkload)


@pytest.mark.parametrize("folder", STACKS, ids=lambda folder: folder.name)
def test_its_page_tells_the_verdict_of_each_scenario(folder: Path) -> None:
    page = (folder / "README.md").read_text(encoding="utf-8")
    for path in discover([folder / "scenarios"]):
        assert f"`{path.stem}`" in page
