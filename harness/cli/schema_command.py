"""`harness schema`: the JSON Schema of scenario files."""

from __future__ import annotations

import click


@click.command("schema")
def command() -> int:
    """Print the JSON Schema of scenario files, for editors: harness schema > schema/scenario.schema.json"""
    from harness.engine.vocabulary import vocabulary
    from harness.scenario.schema import schema_text

    click.echo(schema_text(vocabulary()), nl=False)
    return 0
