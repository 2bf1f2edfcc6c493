"""`harness heal`: mend whatever an earlier run left broken."""

from __future__ import annotations

import click


@click.command("heal")
@click.option("--all", "living", is_flag=True, help="Also end runs that are under way, whoever started them.")
@click.option("--json", "as_json", is_flag=True, help="Print what was mended as JSON on stdout.")
def command(*, living: bool, as_json: bool) -> int:
    """Undo what runs that are dead or silent have left broken, and read it back. Safe to call at any time: runs that are
    under way are left alone, unless --all is given.
    """
    from harness.guardian.recovery import heal_all, living_owners
    from harness.model.outcome import ExitCode

    left_alone = {} if living else living_owners()
    reports = heal_all(living=living)
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(reports), indent=2))
    else:
        for report in reports:
            click.echo(str(report))
        for pid, count in left_alone.items():
            click.echo(
                f"process {pid} is running and holds {count} leases: left alone\n"
                f"  next: kill -INT {pid}, or harness heal --all"
            )
        if not reports:
            click.echo("nothing was broken" if not left_alone else "nothing else was broken")
    return int(ExitCode.PASSED if all(report.healed for report in reports) else ExitCode.HEAL_FAILED)
