"""What runs, and their figures, are called in every report, so that no two of a suite bear one name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.history.meta import RunMeta
from harness.model.verdicts import Verdict


def named(variables: Mapping[str, object]) -> str:
    """The variables of a matrix as people read them: `mode=dark`."""
    return ", ".join(f"{key}={value}" for key, value in sorted(variables.items()))


def row_name(meta: RunMeta, *, seed: bool) -> str:
    """A run for people: `outage [mode=dark, defect=no-fencing, seed=7]`; its seed where that tells it from another."""
    parts = [named(meta.variables)] if meta.variables else []
    parts += [f"defect={meta.defect}"] if meta.defect else []
    parts += [f"seed={meta.seed}"] if seed else []
    return meta.scenario + (f" [{', '.join(parts)}]" if parts else "")


def case_name(meta: RunMeta) -> str:
    """A run for CI systems, as the pytest plugin names it: `outage[mode=dark-seed=7]`."""
    parts = [f"{key}={value}" for key, value in meta.variables.items()]
    parts += [f"defect={meta.defect}"] if meta.defect else []
    return f"{meta.scenario}[{'-'.join([*parts, f'seed={meta.seed}'])}]"


def properties_of(verdicts: Iterable[Verdict]) -> list[tuple[str, float]]:
    """The figures of verdicts as numbers, named `harness.<check>.<figure>[_<unit>]`, for properties of JUnit."""
    return [
        (
            f"harness.{verdict.check}.{figure.name}" + (f"_{figure.unit}" if figure.unit.isalpha() else ""),
            figure.value,
        )
        for verdict in verdicts
        for figure in verdict.figures
    ]
