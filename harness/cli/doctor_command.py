"""`harness doctor`: what this machine can do, and where each setting comes from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from harness.model.errors import HarnessError


@click.command("doctor")
@click.option("--stack", metavar="FILE", help="The stack's compose file; default: the nearest.")
@click.option("--platform", metavar="NAME", help="The platform to examine.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
def command(*, stack: str | None, platform: str | None, as_json: bool) -> int:
    """Say what this machine can do, what it lacks and what would make it possible, and where each setting comes from.
    Changes nothing. Exits with 0 when nothing stands in the way of a run.
    """
    answers = {
        "machine": _machine(),
        "settings": {"stack": _try(lambda: _stack(stack)), "platform": _try(lambda: _platform(platform))},
        "capabilities": _try(lambda: _capabilities(platform)),
        "ledger": _try(_ledger),
    }
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(answers), indent=2))
    else:
        for title, facts in answers.items():
            click.echo(f"{title}")
            for key, value in facts.items():
                click.echo(f"  {key}: {_text(value)}")
    return 0 if not _problems(answers) else 9


def _machine() -> dict[str, Any]:
    from harness.engine.machine import machine_facts, versions

    return {**machine_facts(), **versions()}


def _stack(flag: str | None) -> dict[str, Any]:
    from harness.cli.context import chosen_stack, chosen_stack_file

    chosen = chosen_stack_file(flag)
    read = chosen_stack(flag)
    notes = [str(problem) for problem in read.warnings]
    return {
        "file": str(chosen.value),
        "from": chosen.source,
        "providers": list(read.providers),
        "services": len(read.services),
        "links through the proxy": sum(link.crosses_wan for link in read.links),
        "adapter": read.adapter,
        **({"warnings": notes} if notes else {}),
    }


def _platform(flag: str | None) -> dict[str, Any]:
    from harness.cli.context import chosen_platform_name

    chosen = chosen_platform_name(flag)
    return {"name": chosen.value, "from": chosen.source}


def _capabilities(flag: str | None) -> dict[str, Any]:
    from harness.cli.context import chosen_platform
    from harness.faults.contract import Capability

    platform = chosen_platform(flag)
    can = platform.capabilities()
    return {
        str(capability): "yes" if capability in can else f"no: {platform.lacking(capability)}"
        for capability in Capability
    }


def _ledger() -> dict[str, Any]:
    from harness.guardian.recovery import orphans, pending_leases, story
    from harness.guardian.state import state_dir

    page = pending_leases()
    left = orphans()
    answer: dict[str, Any] = {
        "folder": str(state_dir()),
        "leases in force": len(page.leases),
        "healed lately": len(story()),
    }
    if left:
        answer["left by a dead owner"] = [lease.name for lease in left]
        answer["next"] = "harness heal"
    return answer


def _try(ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return ask()
    except HarnessError as error:
        return {"problem": str(error)}


def _problems(answers: Any) -> bool:
    if isinstance(answers, dict):
        return "problem" in answers or any(_problems(value) for value in answers.values())
    return False


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key} {_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value)
    return str(value)
