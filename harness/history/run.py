"""A run, read back: typed, lazy, and the same for checks, reports, notebooks and tests."""

from __future__ import annotations

import html
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from harness.history.columns import OPTIONAL, TABLES
from harness.history.folder import RunFolder
from harness.history.frames import conform, empty_frame
from harness.history.journal import Journal, read_journal
from harness.history.journal_tables import faults_table, leadership_table
from harness.history.meta import RunMeta, read_meta
from harness.history.parquet import TableUnreadable, read_table
from harness.model.errors import UsageError
from harness.model.events import Collected, Event, LoadDrained, LoadStarted, RunEnded


class Run:
    """One run's history. Tables are read when they are first asked for.

    A table that is absent or torn is an empty frame of the right columns, and `problem(name)` says why. The properties of
    tables are `table(name)`; `harness.history.columns` says what is in each, and in which units.
    """

    def __init__(
        self,
        meta: RunMeta,
        journal: Journal,
        *,
        path: Path | None = None,
        tables: Mapping[str, pd.DataFrame] | None = None,
    ) -> None:
        """A run from its parts: from its folder at `path`, or, without one, from `tables` alone."""
        self.meta = meta
        self.journal = journal
        self.path = path
        self._given = tables or {}
        self._read: dict[str, tuple[pd.DataFrame, str]] = {}
        self.cache: dict[str, Any] = {}
        """Room for what checks derive from the tables and share, by a key of their own."""

    @property
    def events(self) -> tuple[Event, ...]:
        """The events of the journal, as far as it can be read."""
        return self.journal.events

    @property
    def operations(self) -> pd.DataFrame:
        """What clients sent and were told, one row an operation."""
        return self.table("operations")

    @property
    def entries(self) -> pd.DataFrame:
        """The log of every replica, one row an entry and reading."""
        return self.table("entries")

    @property
    def marks(self) -> pd.DataFrame:
        """The prices of mark entries, one row an instrument."""
        return self.table("marks")

    @property
    def executions(self) -> pd.DataFrame:
        """What applying the log did to orders, on every replica."""
        return self.table("executions")

    @property
    def orders(self) -> pd.DataFrame:
        """Every order as each replica holds it."""
        return self.table("orders")

    @property
    def balances(self) -> pd.DataFrame:
        """Every account's contracts and coin on each replica."""
        return self.table("balances")

    @property
    def replicas(self) -> pd.DataFrame:
        """What each replica says of itself, one row a reading."""
        return self.table("replicas")

    @property
    def account_fills(self) -> pd.DataFrame:
        """The fills that clients are told, through each entry point."""
        return self.table("account_fills")

    @property
    def account_positions(self) -> pd.DataFrame:
        """The positions that clients are told, through each entry point."""
        return self.table("account_positions")

    @property
    def quotes(self) -> pd.DataFrame:
        """Every published price."""
        return self.table("quotes")

    @property
    def instruments(self) -> pd.DataFrame:
        """What can be traded; empty when the stack doesn't tell."""
        return self.table("instruments")

    @cached_property
    def leadership(self) -> pd.DataFrame:
        """What the stack told of who leads, from the journal; see `LEADERSHIP`."""
        return leadership_table(self.events)

    @cached_property
    def faults(self) -> pd.DataFrame:
        """What was broken and when, from the journal; see `FAULTS`."""
        return faults_table(self.events)

    @cached_property
    def zero_ns(self) -> int:
        """Time zero of the scenario, the start of the load, on the run's clock; 0 when no load was started."""
        return next((event.at_ns for event in self.events if isinstance(event, LoadStarted)), 0)

    @cached_property
    def drained_ns(self) -> int | None:
        """When the load was over, on the run's clock; None when it never was."""
        return next((event.at_ns for event in self.events if isinstance(event, LoadDrained)), None)

    @cached_property
    def cut(self) -> str:
        """Why the history is not whole; empty when it is.

        The journal alone decides: it may be torn, or end before the stack's final state was collected.
        """
        if self.journal.torn:
            return f"the journal is torn: {self.journal.torn}"
        if not any(isinstance(event, Collected | RunEnded) for event in self.events):
            return "the journal ends before the stack's final state was collected"
        return ""

    def table(self, name: str) -> pd.DataFrame:
        """One of the tables of `harness.history.columns.TABLES`; raises `KeyError` for any other name."""
        return self._load(name)[0]

    def problem(self, name: str) -> str:
        """Why a table cannot be judged (absent, torn, foreign); empty when it was read whole."""
        return self._load(name)[1]

    def _load(self, name: str) -> tuple[pd.DataFrame, str]:
        if name not in TABLES:
            raise KeyError(f"no table {name!r}; there are {', '.join(TABLES)}")
        if name not in self._read:
            self._read[name] = self._load_now(name)
        return self._read[name]

    def _load_now(self, name: str) -> tuple[pd.DataFrame, str]:
        columns, optional = TABLES[name], OPTIONAL.get(name, frozenset())
        if name in self._given:
            return conform(columns, self._given[name], optional=optional), ""
        if self.path is None:
            return empty_frame(columns), f"there is no table {name}"
        try:
            return read_table(RunFolder(self.path).table(name), columns, optional=optional), ""
        except FileNotFoundError:
            return empty_frame(columns), f"there is no {name}.parquet"
        except TableUnreadable as error:
            return empty_frame(columns), str(error)

    def __repr__(self) -> str:
        where = self.path if self.path is not None else "in memory"
        return f"<Run {self.meta.run_id} of {self.meta.scenario} ({len(self.events)} events, {where})>"

    def _repr_html_(self) -> str:
        """The run for a notebook: what it was, what was broken, and how large each table is."""
        facts = {
            "run": self.meta.run_id,
            "scenario": self.meta.scenario,
            "seed": self.meta.seed,
            "platform": self.meta.platform,
            "stack": self.meta.stack,
            "events": len(self.events),
            "history": self.cut or "whole",
        }
        sizes = {name: self.problem(name) or f"{len(self.table(name)):,} rows" for name in TABLES}
        rows = "".join(
            f"<tr><th>{html.escape(str(key))}</th><td>{html.escape(str(value))}</td></tr>"
            for key, value in {**facts, **sizes}.items()
        )
        faults = self.faults.to_html(index=False) if len(self.faults) else ""
        return f"<table><caption>Run</caption>{rows}</table>{faults}"


def load_run(path: str | Path) -> Run:
    """Open the folder of a run (or the one above it, whose `latest` is meant).

    Raises `UsageError` when it is no run's folder, or was written by a newer harness.
    """
    folder = RunFolder(_resolve(Path(path)))
    meta = read_meta(folder)
    return Run(meta, read_journal(folder.journal), path=folder.path)


def _resolve(path: Path) -> Path:
    if not path.exists():
        raise UsageError(f"there is no run at {path}", next_step="name the folder of a run under runs/")
    if path.is_file():
        raise UsageError(f"{path} is a file", next_step="name the folder of the run that it is in")
    latest = path / "latest"
    if not (path / "run.json").exists() and latest.is_dir():
        return latest.resolve()
    return path.resolve()
