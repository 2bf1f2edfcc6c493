"""`harness check`: judge a stored run again."""

from __future__ import annotations

import click


@click.command("check")
@click.argument("runs", nargs=-1, required=True)
@click.option(
    "-k", "only", multiple=True, metavar="NAME", help="Only this check (failover_time) or predicate (O2)."
)
@click.option("--json", "as_json", is_flag=True, help="Print the judgements as JSON on stdout.")
def command(*, runs: tuple[str, ...], only: tuple[str, ...], as_json: bool) -> int:
    """Judge stored runs again, with the checks of today: folders of runs, or names of scenarios (their latest run).

    With all checks, the stored verdicts and the report are replaced; the same history gives the same bytes.
    """
    from rich.console import Console

    from harness.cli.context import run_folder
    from harness.cli.running import write_reports
    from harness.engine.judging import judge_again
    from harness.engine.run import code_of
    from harness.engine.verdict_file import verdict_bytes, write_verdicts
    from harness.history.folder import RunFolder
    from harness.history.run import load_run
    from harness.model.outcome import ExitCode
    from harness.report.console import print_run
    from harness.report.page import make_page

    codes = []
    for name in runs:
        run = load_run(run_folder(name))
        judgement = judge_again(run, only or None)
        page = make_page(run, judgement)
        assert run.path is not None
        if not only:
            write_verdicts(RunFolder(run.path), judgement)
            write_reports(page, run.path)
        if as_json:
            click.echo(verdict_bytes(judgement), nl=False)
        else:
            print_run(page, Console())
        codes.append(code_of(judgement.outcome))
    return int(ExitCode.of(codes))
