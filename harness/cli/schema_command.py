"""`harness schema`: the JSON Schema of scenario files."""

from __future__ import annotations

import click


@click.command("schema")
def command() -> int:
    """Print the JSON Schema of scenario files, for editors: harness schema > schema/scenario.schema.json"""
    click.echo(schema_text(), nl=False)
    return 0


def schema_text() -> str:
    """The schema as it is committed."""
    import json

    from harness.engine.vocabulary import vocabulary
    from harness.scenario.schema import scenario_schema

    return json.dumps(scenario_schema(vocabulary()), indent=2, ensure_ascii=False) + "\n"
