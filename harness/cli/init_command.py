"""`harness init`: write a starter scenario."""

from __future__ import annotations

import re
from pathlib import Path

import click

STARTER = """\
# What this file may say: harness schema, harness list --faults, harness list --checks
scenario: {name}
summary: The provider that runs the primary goes dark under steady order flow.
tags: [starter]
load: {{profile: steady, orders_per_s: 100}}
steady_state: {{for: 2s, availability: {{min: 99.9%}}}}
timeline:
  - id: outage
    at: 3s
    fault: provider_outage
    mode: dark                    # or abrupt, frozen, unreachable
    target: {{provider: primary}}   # or a provider's name
    lasts: 4s
ends: 10s
expect:
  failover_time: {{max: 2s}}
  availability: {{min: 80%}}
  order_integrity: {{}}
  leader_changes: {{exactly: 1}}
"""


@click.command("init")
@click.argument("name", default="my-first-outage")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("scenarios"),
    help="Where it is written.",
    show_default=True,
)
def command(*, name: str, folder: Path) -> int:
    """Write a starter scenario, ready to run: scenarios/NAME.yaml. An existing file is never overwritten."""
    from harness.engine.vocabulary import vocabulary
    from harness.model.errors import UsageError
    from harness.scenario.loading import load_scenarios

    if re.fullmatch(r"[a-z0-9][a-z0-9-]{0,99}", name) is None:
        raise UsageError(
            f"{name!r} is no name for a scenario",
            next_step="take lower case words with dashes: my-first-outage",
        )
    path = folder / f"{name}.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(STARTER.format(name=name))
    except FileExistsError:
        raise UsageError(f"{path} exists already", next_step="give another NAME") from None
    try:
        load_scenarios(path, vocabulary=vocabulary())
    except UsageError:
        path.unlink()
        raise
    click.echo(f"wrote {path}\n  next: harness run {path}{_stack_flag()}")
    return 0


def _stack_flag() -> str:
    """What the next command needs where there is no stack: the one that ships here."""
    from harness.cli.context import chosen_stack_file
    from harness.model.errors import UsageError
    from harness.stack.choice import REFERENCE

    try:
        chosen_stack_file(None)
    except UsageError:
        return f" --stack {REFERENCE}"
    return ""
