"""`harness heal`: mend whatever an earlier run left broken."""

from __future__ import annotations

import click


@click.command("heal")
@click.option("--json", "as_json", is_flag=True, help="Print what was mended as JSON on stdout.")
def command(*, as_json: bool) -> int:
    """Undo everything that the ledger holds, whoever broke it, and read it back. Safe to call at any time."""
    from harness.guardian.recovery import heal_all
    from harness.model.outcome import ExitCode

    reports = heal_all()
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(reports), indent=2))
    else:
        for report in reports:
            click.echo(str(report))
        if not reports:
            click.echo("nothing was broken")
    return int(ExitCode.PASSED if all(report.healed for report in reports) else ExitCode.HEAL_FAILED)
