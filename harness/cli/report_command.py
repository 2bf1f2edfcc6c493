"""`harness report`: write reports of stored runs."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.options import reports_option


@click.command("report")
@click.argument("runs", nargs=-1, required=True)
@reports_option
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON on stdout.")
def command(*, runs: tuple[str, ...], reports: Path, as_json: bool) -> int:
    """Write the pages of stored runs, and one index of all: folders of runs, or folders that hold many.

    Shards of one suite are merged by naming all their folders.
    """
    from harness.cli.consoles import open_console
    from harness.cli.context import run_folder
    from harness.cli.running import shown, tell_suite
    from harness.engine.finished import code_of
    from harness.engine.verdict_file import read_verdicts
    from harness.history.run import load_run
    from harness.history.stored import stored_runs
    from harness.model.outcome import ExitCode
    from harness.report.json import suite_json
    from harness.report.judged import Judged, without_spoiled
    from harness.report.page import make_page
    from harness.report.written import write_reports, write_suite

    every = []
    for folder, _ in stored_runs([run_folder(name) for name in runs]):
        run = load_run(folder.path)
        judgement = read_verdicts(folder)
        page = write_reports(make_page(run, judgement), folder.path)
        every.append(Judged.of(run, judgement, path=str(shown(folder.path))).with_page(page, reports))
    results = without_spoiled(every)
    write_suite(results, reports)
    if as_json:
        click.echo(suite_json(results), nl=False)
    else:
        tell_suite(results, reports, open_console())
    return int(ExitCode.of(code_of(result.judgement.outcome) for result in results))
