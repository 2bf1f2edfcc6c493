"""`harness run`: run scenarios against a stack."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.context import chosen_platform, chosen_scenarios, chosen_stack
from harness.cli.options import out_option, reports_option, selection_options, stack_options


@click.command("run")
@click.argument("paths", nargs=-1, type=click.Path())
@stack_options
@selection_options
@click.option(
    "--repeat",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="Run each N times, seeds counting up.",
)
@out_option
@reports_option
@click.option("--defect", metavar="NAME", help="Plant one of the stack's declared defects.")
@click.option(
    "--dry-run", is_flag=True, help="Say what would be done and touched; touch nothing (as `plan`)."
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print the results as JSON, and nothing else, on stdout."
)
def command(
    *,
    paths: tuple[str, ...],
    stack: str | None,
    platform: str | None,
    tags: tuple[str, ...],
    keyword: str | None,
    overrides: tuple[str, ...],
    seed: int | None,
    repeat: int,
    out: Path,
    reports: Path,
    defect: str | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Run scenarios: files or folders of them (default: scenarios/).

    Example: harness run scenarios/gate/primary-provider-outage.yaml --seed 7
    """
    import os

    from harness.cli.consoles import open_console
    from harness.cli.running import run_and_tell, tell_suite
    from harness.engine.setup import Setup, planted, seeded
    from harness.engine.suite import repeated
    from harness.report.json import suite_json
    from harness.stack.choice import flag_of

    tested = chosen_stack(stack)
    runner = chosen_platform(platform)
    scenarios = chosen_scenarios(
        paths, tags=tags, keyword=keyword, overrides=overrides, seed=seed, stack=tested
    )
    if dry_run:
        from harness.cli.plan_command import tell_plans

        return tell_plans(scenarios, tested, runner, as_json=as_json)
    environment = planted(tested, defect)
    setups = [
        Setup(
            scenario,
            seeded(tested, scenario, variables=os.environ),
            runner,
            out,
            environment,
            defect=defect,
            overrides=overrides,
            stack_file=flag_of(tested.path, Path.cwd()),
        )
        for scenario in repeated(scenarios, repeat)
    ]
    console = open_console(stderr=as_json)
    results, code = run_and_tell(setups, reports=reports, console=console)
    if as_json:
        click.echo(suite_json(tuple(results)), nl=False)
    elif len(results) > 1:
        tell_suite(results, reports, console)
    return int(code)
