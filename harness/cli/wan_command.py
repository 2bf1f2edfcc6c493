"""`harness wan`: the embedded fault proxy alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import seed_option

if TYPE_CHECKING:
    from harness.wan.server import Ready


@click.command("wan")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Where the API listens; whoever reaches it can use it.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8474,
    show_default=True,
    help="Its port; 0: any free one.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Create the proxies of this file, in Toxiproxy's JSON.",
)
@seed_option(0)
@click.option("--json", "as_json", is_flag=True, help="Say where it listens as JSON on stdout.")
def command(*, host: str, port: int, config: Path | None, seed: int, as_json: bool) -> int:
    """Serve the embedded fault proxy alone, in place of a Toxiproxy server: Toxiproxy's clients, its command line and the
    tests that use them work as they are. Ends with Ctrl-C or SIGTERM.
    """
    from harness.wan.config import read_config
    from harness.wan.server import ServerOptions, run

    links = read_config(config) if config is not None else ()
    options = ServerOptions(host=host, port=port, seed=seed, links=links)
    run(options, lambda ready: click.echo(ready.as_json() if as_json else _told(ready)))
    return 0


def _told(ready: Ready) -> str:
    lines = [f"the fault proxy's API listens on {ready.api}"]
    for link in ready.links:
        state = "" if link.enabled else " (disabled)"
        lines.append(f"  {link.name}: {link.listen} -> {link.upstream}{state}")
    return "\n".join(lines)
