"""`harness check`: judge a stored run again."""

from __future__ import annotations

import click


@click.command("check")
@click.argument("runs", nargs=-1, required=True)
@click.option(
    "-k", "only", multiple=True, metavar="NAME", help="Only this check (failover_time) or predicate (O2)."
)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON on stdout.")
def command(*, runs: tuple[str, ...], only: tuple[str, ...], as_json: bool) -> int:
    """Judge stored runs again, with the checks of today: folders of runs, or names of scenarios (their latest run).

    With all checks, the stored verdicts and the report are replaced; the same history gives the same bytes.
    """
    from harness.cli.consoles import open_console
    from harness.cli.context import run_folder
    from harness.engine.finished import code_of
    from harness.engine.judging import judge_again
    from harness.engine.verdict_file import write_verdicts
    from harness.history.folder import RunFolder
    from harness.history.run import load_run
    from harness.model.outcome import ExitCode
    from harness.report.console import print_run
    from harness.report.json import suite_json
    from harness.report.judged import Judged
    from harness.report.page import make_page
    from harness.report.written import write_reports

    results = []
    for name in runs:
        run = load_run(run_folder(name))
        judgement = judge_again(run, only or None)
        page = make_page(run, judgement)
        assert run.path is not None
        if not only:
            write_verdicts(RunFolder(run.path), judgement)
            write_reports(page, run.path)
        results.append(Judged(run.meta, judgement, str(run.path)))
        if not as_json:
            print_run(page, open_console())
    if as_json:
        click.echo(suite_json(tuple(results)), nl=False)
    return int(ExitCode.of(code_of(result.judgement.outcome) for result in results))
