"""`python -m harness.wan --port 0`: start the fault proxy, and print its API's address as one JSON line."""

from __future__ import annotations

import argparse
import sys

from harness.wan.errors import WanCannotListen
from harness.wan.server import Ready, ServerOptions, run


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and serve; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m harness.wan", description="A TCP fault proxy with Toxiproxy's API."
    )
    parser.add_argument("--host", default="127.0.0.1", help="where the API listens (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="the API's port; 0 takes any free one")
    parser.add_argument("--seed", type=int, default=0, help="what every random choice is derived from")
    parser.add_argument("--exit-on-stdin-eof", action="store_true", help="stop when standard input ends")
    given = parser.parse_args(arguments)
    options = ServerOptions(
        host=given.host, port=given.port, seed=given.seed, exit_on_stdin_eof=given.exit_on_stdin_eof
    )
    try:
        run(options, _announce)
    except WanCannotListen as error:
        sys.stderr.write(f"{error.message}\n")
        return int(error.exit_code)
    return 0


def _announce(ready: Ready) -> None:
    sys.stdout.write(ready.as_json() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
