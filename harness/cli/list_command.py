"""`harness list`: scenarios, and the words they may use."""

from __future__ import annotations

import click

from harness.cli.context import chosen_scenarios
from harness.cli.options import selection_options


@click.command("list")
@click.argument("paths", nargs=-1, type=click.Path())
@selection_options
@click.option("--faults", is_flag=True, help="List the faults instead.")
@click.option("--checks", is_flag=True, help="List the checks instead.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
def command(
    *,
    paths: tuple[str, ...],
    tags: tuple[str, ...],
    keyword: str | None,
    overrides: tuple[str, ...],
    seed: int | None,
    faults: bool,
    checks: bool,
    as_json: bool,
) -> int:
    """List scenarios (default: those under scenarios/), or the faults and checks that they may name."""
    rows = (
        _faults()
        if faults
        else _checks()
        if checks
        else [
            {"name": item.id, "summary": item.summary, "tags": " ".join(item.tags), "file": str(item.path)}
            for item in chosen_scenarios(paths, tags=tags, keyword=keyword, overrides=overrides, seed=seed)
        ]
    )
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(rows), indent=2))
        return 0
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        click.echo(f"{row['name']:<{width}}  {row['summary']}")
    return 0


def _faults() -> list[dict[str, str]]:
    from harness.documents.reading import keys_of
    from harness.faults.registry import all_faults

    return [
        {"name": name, "summary": fault.summary, "keys": " ".join(keys_of(fault))}
        for name, fault in sorted(all_faults().items())
    ]


def _checks() -> list[dict[str, str]]:
    from harness.checks.registry import all_checks
    from harness.documents.reading import keys_of

    return [
        {"name": name, "summary": check.summary, "keys": " ".join(keys_of(check.Expectation))}
        for name, check in sorted(all_checks().items())
    ]
