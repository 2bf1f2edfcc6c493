"""`harness demo`: the main job, on the stack that ships with the harness."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import out_option, reports_option, seed_option

SCENARIO = "primary-provider-outage.yaml"


@click.command("demo")
@seed_option(7)
@out_option
@reports_option
def command(*, seed: int, out: Path, reports: Path) -> int:
    """Start the reference trading stack on three providers, send it orders, turn the primary's provider dark, watch it
    fail over, heal it, judge what happened and write a report. Works in an empty directory, in under a minute.
    """
    import os
    import shutil

    from harness.cli.consoles import open_console
    from harness.cli.context import chosen_scenarios
    from harness.cli.running import run_and_tell
    from harness.engine.platforms import platform_named
    from harness.engine.setup import Setup, seeded
    from harness.stack.choice import flag_of
    from harness.stack.reading import read_stack
    from harness.stack.reference import reference_scenarios, reference_stack

    stack = read_stack(reference_stack(), variables=os.environ)
    scenarios = chosen_scenarios([str(reference_scenarios() / SCENARIO)], seed=seed, stack=stack)
    console = open_console()
    (reports / "demo.html").unlink(missing_ok=True)  # an earlier one must not look like this one's
    setups = [
        Setup(
            scenario,
            seeded(stack, scenario, variables=os.environ),
            platform_named("process"),
            out,
            stack_file=flag_of(stack.path, Path.cwd()),
        )
        for scenario in scenarios
    ]
    results, code = run_and_tell(setups, reports=reports, console=console)
    for result in results:
        if not result.page:
            continue
        shutil.copyfile(Path(result.path) / "report.html", reports / "demo.html")
        console.print(f"open the report: {reports / 'demo.html'}", highlight=False, soft_wrap=True)
        console.print(
            f"the failover in sentences: harness explain {result.path}", highlight=False, soft_wrap=True
        )
    return int(code)
