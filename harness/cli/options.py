"""Options that several commands share. Imports click alone, so that `--help` stays quick."""

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
