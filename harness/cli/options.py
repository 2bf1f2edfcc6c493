"""Options that several commands share, each written once. Imports click alone, so that `--help` stays quick."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def seed_option(default: int | None = None) -> Callable[[F], F]:
    """`--seed`; a default is shown."""
    return click.option(
        "--seed",
        type=click.IntRange(0, 2**32 - 1),
        default=default,
        show_default=default is not None,
        help="Where every random choice comes from.",
    )


out_option = click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Where runs are kept.",
)
reports_option = click.option(
    "--reports",
    type=click.Path(path_type=Path),
    default=Path("reports"),
    show_default=True,
    help="Where reports go.",
)


def stack_options(command: F) -> F:
    """`--stack` and `--platform`."""
    return _all(
        command,
        click.option(
            "--stack", metavar="FILE", help="The stack's compose file, or `reference`; default: the nearest."
        ),
        click.option(
            "--platform",
            metavar="NAME",
            help="What runs the stack: process (local processes, the default) or sim (virtual time).",
        ),
    )


def selection_options(command: F) -> F:
    """`--tag`, `-k`, `--set` and `--seed`."""
    return _all(
        command,
        click.option("--tag", "tags", multiple=True, metavar="TAG", help="Only scenarios with this tag."),
        click.option("-k", "keyword", metavar="TEXT", help="Only scenarios whose id contains this text."),
        click.option(
            "--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Override a key or a parameter."
        ),
        seed_option(),
    )


def _all(command: F, *options: Callable[[F], F]) -> F:
    """Options in the order in which `--help` shows them."""
    for option in reversed(options):
        command = option(command)
    return command
