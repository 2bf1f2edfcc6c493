"""The `harness` command: finds the sub-command, and turns errors into messages and exit codes."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Any, Final

import click

SECTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "Run": {
        "demo": "Break the reference stack, watch it fail over, read the report.",
        "run": "Run scenarios against a stack.",
    },
    "Judge": {
        "check": "Judge a stored run again.",
        "report": "Write reports of stored runs.",
        "explain": "Tell a failover in sentences, or what a predicate means.",
        "detectors": "Draw the curve of failure detectors: how soon, against how often wrong.",
    },
    "By hand": {
        "doctor": "Say what this machine can do, and where each setting comes from.",
        "heal": "Mend whatever an earlier run left broken.",
        "wan": "Serve the fault proxy alone, for Toxiproxy's clients.",
    },
    "Author": {
        "init": "Write a starter scenario.",
        "validate": "Check scenario files.",
        "plan": "Say what a scenario would do and touch; touch nothing.",
        "list": "List scenarios, faults and checks.",
        "schema": "Print the JSON Schema of scenario files.",
    },
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, so that `--help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for section in SECTIONS.values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if not any(cmd_name in section for section in SECTIONS.values()):
            return None
        module = importlib.import_module(f"harness.cli.{cmd_name}_command")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in self.list_commands(ctx):
            ctx.fail(f"no command {name!r}.{_did_you_mean(name, self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(list(commands.items()))


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="failover-harness", prog_name="harness")
def cli() -> None:
    """Prove that automated failover works: inject faults into a trading stack and judge what happened.

    Exit codes: 0 all passed, 1 a verdict failed, 2 interrupted, 3 internal error, 4 usage or a bad file, 5 nothing to
    run, 7 something is UNKNOWN, 8 a safety guard stopped it, 9 this environment can't do it, 10 healing failed.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code; a person's mistake never shows a traceback."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run the command line; answers the exit code."""
    try:
        result: Any = cli.main(arguments, standalone_mode=False)
    except click.exceptions.Abort:
        return 2
    except click.ClickException as error:
        error.show()
        return 4
    except KeyboardInterrupt:
        return 2
    except BrokenPipeError:
        _close_stdout()
        return 0
    except Exception as error:
        from harness.cli.trouble import tell

        return int(tell(error)[1])
    return int(result) if isinstance(result, int) else 0


def _did_you_mean(name: str, known: list[str]) -> str:
    from harness.documents.words import closest

    near = closest(name, known)
    return f" Did you mean {near!r}?" if near else ""


def _close_stdout() -> None:
    """Whoever read stdout has gone; nothing more can be told there, not even by the interpreter's last flush."""
    import os

    with open(os.devnull, "w") as nowhere:  # noqa: PTH123  a descriptor is all that is wanted
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
