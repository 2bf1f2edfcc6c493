"""`harness explain`: a failover in sentences, or what a predicate means."""

from __future__ import annotations

import re

import click


@click.command("explain")
@click.argument("what")
@click.option("--json", "as_json", is_flag=True, help="Print the sentences as JSON on stdout.")
def command(*, what: str, as_json: bool) -> int:
    """Tell the failover of a stored run in timed sentences (RUN), or explain a predicate (O12): a sentence, a history
    that passes and one that fails.
    """
    from harness.checks.explain import explain_predicate, is_predicate
    from harness.cli.context import find_run

    meant = is_predicate(what) or (find_run(what) is None and re.fullmatch(r"[A-Za-z]\d+", what))
    lines = explain_predicate(what) if meant else _story(what)
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(lines), indent=2))
        return 0
    for line in lines:
        click.echo(line)
    return 0


def _story(name: str) -> tuple[str, ...]:
    from harness.cli.context import run_folder
    from harness.engine.verdict_file import read_verdicts
    from harness.history.folder import RunFolder
    from harness.history.run import load_run
    from harness.report.story import tell

    run = load_run(run_folder(name))
    assert run.path is not None
    return tell(run, read_verdicts(RunFolder(run.path)))
