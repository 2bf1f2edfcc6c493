"""`harness detectors`: the curve of failure detectors, time of detection against mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from harness.detectors.trace import Trace
    from harness.stack.description import Detector

PAGE = "detectors.html"


@click.command("detectors")
@click.argument("traces", nargs=-1, metavar="[TRACE]...")
@click.option(
    "--world", "worlds", multiple=True, metavar="NAME", help="Simulate this world: quiet, rough or busy."
)
@click.option(
    "--hours", type=click.FloatRange(0.01, 1000), default=6, show_default=True, help="Simulated, each world."
)
@click.option(
    "--deaths",
    type=click.IntRange(1, 10_000),
    default=300,
    show_default=True,
    help="Of the simulated sender, each world.",
)
@click.option(
    "--heartbeat", metavar="TIME", help="Between simulated heartbeats; default: the stack's, else 20ms."
)
@click.option(
    "--shipped",
    metavar="KIND:SETTING",
    help="Where does this stand? fixed:240ms; default: the stack's detector.",
)
@click.option(
    "--stack", metavar="FILE", help="The stack's compose file, or `reference`; default: the nearest."
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=7,
    show_default=True,
    help="Where every random choice comes from.",
)
@click.option(
    "--reports",
    type=click.Path(path_type=Path),
    default=Path("reports"),
    show_default=True,
    help="Where the page goes.",
)
@click.option("--every", is_flag=True, help="Print every setting.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
def command(
    *,
    traces: tuple[str, ...],
    worlds: tuple[str, ...],
    hours: float,
    deaths: int,
    heartbeat: str | None,
    shipped: str | None,
    stack: str | None,
    seed: int,
    reports: Path,
    every: bool,
    as_json: bool,
) -> int:
    """Measure failure detectors over recorded heartbeats (TRACE: a file, or a folder or run of them) or, without any,
    over simulated worlds: how soon each notices a death, against how often it suspects the living. Writes a page.
    """
    from harness.cli.consoles import open_console
    from harness.cli.running import shown
    from harness.detectors.console import print_curves
    from harness.detectors.curve import measure
    from harness.detectors.json import curves_json
    from harness.detectors.page import write_detectors_page
    from harness.detectors.recorded import recorded
    from harness.detectors.registry import parse_choice

    declared = _declared(stack)
    said = shipped or (declared.choice if declared is not None else None)
    choice = parse_choice(said) if said is not None else None
    measured = [recorded(Path(name)) for name in traces]
    if worlds or not traces:
        measured += _simulated(worlds, hours, deaths, _heartbeat_ns(heartbeat, declared), seed)
    curves = [measure(trace, shipped=choice, seed=seed) for trace in measured]
    write_detectors_page(curves, reports / PAGE)
    if as_json:
        click.echo(curves_json(curves), nl=False)
        return 0
    console = open_console()
    print_curves(curves, console, every_setting=every)
    console.print(f"page: {shown(reports / PAGE)}", soft_wrap=True)
    return 0


def _simulated(
    names: tuple[str, ...], hours: float, deaths: int, heartbeat_ns: int, seed: int
) -> list[Trace]:
    from harness.detectors.simulation import simulate
    from harness.detectors.world import WORLDS, world_named

    worlds = [world_named(name) for name in dict.fromkeys(names)] or WORLDS
    return [
        simulate(world, hours=hours, deaths=deaths, heartbeat_ns=heartbeat_ns, seed=seed) for world in worlds
    ]


def _declared(flag: str | None) -> Detector | None:
    """The detector that the stack declares; None where no stack is named or found."""
    from harness.cli.context import chosen_stack
    from harness.model.errors import DocumentError, UsageError

    try:
        return chosen_stack(flag).detector
    except DocumentError:
        raise
    except UsageError:
        if flag is not None:
            raise
        return None


def _heartbeat_ns(said: str | None, declared: Detector | None) -> int:
    from harness.model.errors import UsageError
    from harness.model.units import UnitError, duration_ns

    if said is None:
        return declared.heartbeat_ns if declared is not None else 20_000_000
    try:
        value = duration_ns(said)
    except UnitError as error:
        raise UsageError(str(error), next_step="write --heartbeat 20ms") from error
    if not 1_000_000 <= value <= 10_000_000_000:
        raise UsageError(f"a heartbeat every {said} can't be simulated", next_step="choose from 1ms to 10s")
    return value
