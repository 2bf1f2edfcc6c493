"""`harness plan`: what a scenario would do and touch; nothing is touched."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import click

from harness.cli.context import chosen_platform, chosen_scenarios, chosen_stack
from harness.cli.options import selection_options, stack_options
from harness.engine.suite import why_not
from harness.faults.contract import Fault, Hands
from harness.faults.rehearsal import RehearsingHands
from harness.faults.scene import NobodyLeads, Scene
from harness.model.errors import UsageError
from harness.platforms.contract import Platform
from harness.scenario.scenario import Scenario, TimelineEntry
from harness.stack.description import Stack


@click.command("plan")
@click.argument("paths", nargs=-1, type=click.Path())
@stack_options
@selection_options
@click.option("--json", "as_json", is_flag=True, help="Print the plans as JSON on stdout.")
def command(
    *,
    paths: tuple[str, ...],
    stack: str | None,
    platform: str | None,
    tags: tuple[str, ...],
    keyword: str | None,
    overrides: tuple[str, ...],
    seed: int | None,
    as_json: bool,
) -> int:
    """Print the timeline of scenarios and everything that they would touch, and touch nothing."""
    tested = chosen_stack(stack)
    scenarios = chosen_scenarios(
        paths, tags=tags, keyword=keyword, overrides=overrides, seed=seed, stack=tested
    )
    runner = chosen_platform(platform)
    return tell_plans(scenarios, tested, runner, as_json=as_json)


def tell_plans(scenarios: Sequence[Scenario], stack: Stack, platform: Platform, *, as_json: bool) -> int:
    """Print the plans of some scenarios; answers the exit code."""
    if as_json:
        import msgspec

        plans = [_as_data(scenario, stack, platform) for scenario in scenarios]
        click.echo(msgspec.json.format(msgspec.json.encode(plans), indent=2))
        return 0
    for scenario in scenarios:
        click.echo(f"{scenario.id} (seed {scenario.seed}) on {stack.name}, platform {platform.name}")
        load = scenario.load
        click.echo(
            f"  0s  load {load.profile}, {load.orders_per_s:g} orders/s, a probe every {load.probe_every_ms:g} ms"
        )
        click.echo(f"  {scenario.steady_state.for_s:g}s  the steady state is judged")
        for entry in scenario.timeline:
            click.echo(f"  {_when(entry)}  {entry.id}: {entry.fault}{_lasting(entry)}")
            for what, subjects in _touches(entry, scenario, stack):
                click.echo(f"      {what}: {', '.join(subjects)}")
        click.echo(f"  {scenario.ends_s:g}s  the load ends; everything is healed, collected and judged")
        click.echo(f"  expects: {', '.join(scenario.expect)}")
        lacking = why_not(scenario, platform)
        if lacking:
            click.echo(f"  would NOT RUN here: {lacking}")
    return 0


def _as_data(scenario: Scenario, stack: Stack, platform: Platform) -> dict[str, object]:
    return {
        "scenario": scenario.id,
        "seed": scenario.seed,
        "platform": platform.name,
        "document": scenario.resolved_document(),
        "touches": {entry.id: dict(_touches(entry, scenario, stack)) for entry in scenario.timeline},
        "would_not_run": why_not(scenario, platform),
    }


def _when(entry: TimelineEntry) -> str:
    return f"{entry.at_s:g}s" if entry.at_s is not None else f"at {entry.when}"


def _lasting(entry: TimelineEntry) -> str:
    return "" if entry.lasts_s is None else f" for {entry.lasts_s:g}s"


def _touches(entry: TimelineEntry, scenario: Scenario, stack: Stack) -> list[tuple[str, tuple[str, ...]]]:
    """What a fault would touch if the first replica led; words that depend on the moment are resolved as an example."""
    assert isinstance(entry.parameters, Fault)
    leader = next((service.name for service in stack.by_role("engine")), None)
    scene = Scene(stack=stack, random=Random(scenario.seed), primary=leader, candidate=leader)  # noqa: S311  no secret
    hands = RehearsingHands()
    checked: Hands = hands
    try:
        entry.parameters.strike(scene, checked)
    except (NobodyLeads, UsageError) as error:
        return [("cannot be resolved", (error.message,))]
    return [(change.what, change.subjects) for change in hands.changes]
