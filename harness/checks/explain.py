"""What a predicate means: its sentence, a tiny history that passes, and one that fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from harness.checks.examples.history import LiteralHistory
from harness.checks.examples.mistakes import MISTAKES
from harness.checks.examples.planting import Mistake
from harness.checks.examples.quotes import priced
from harness.checks.examples.sound import sound
from harness.checks.order_integrity import PREDICATES as OF_ORDERS
from harness.checks.predicate import Predicate, judge_predicate
from harness.checks.pricing_consistency import PREDICATES as OF_PRICES
from harness.documents.words import unknown
from harness.history.run import Run
from harness.model.verdicts import Finding

_ALL = {**OF_ORDERS, **OF_PRICES}
_MOST_ROWS = 6
_REPLICAS = 3


@dataclass(frozen=True, slots=True)
class Explanation:
    """A predicate with a history that it passes and one that it fails."""

    predicate: Predicate
    passing: Run
    failing: Run
    mistake: str

    def passes(self) -> Finding:
        """What the predicate finds in the history that is sound."""
        return judge_predicate(self.passing, self.predicate)

    def fails(self) -> Finding:
        """What it finds in the one with the mistake."""
        return judge_predicate(self.failing, self.predicate)


def is_predicate(name: str) -> bool:
    """Whether this is the name of a predicate (in any case of letters)."""
    return name.upper() in _ALL


def explanation(name: str) -> Explanation:
    """The explanation of a predicate; raises `UsageError` that lists those there are."""
    predicate = _ALL.get(name.upper())
    if predicate is None:
        raise unknown("predicate", name, _ALL)
    mistake = next(mistake for mistake in MISTAKES if mistake.predicate == predicate.name)
    return Explanation(
        predicate, sound_history(predicate.name).run(), with_mistake(mistake).run(), mistake.text
    )


def sound_history(predicate: str) -> LiteralHistory:
    """The hand-written history that this predicate passes."""
    return priced() if predicate in OF_PRICES else sound()


def with_mistake(mistake: Mistake) -> LiteralHistory:
    """The hand-written history with one mistake in it."""
    history = sound_history(mistake.predicate)
    mistake.plant(history)
    return history


def explain_predicate(name: str) -> tuple[str, ...]:
    """Lines for a person: what it means, where it looks, and both histories with what it finds in them."""
    told = explanation(name)
    predicate = told.predicate
    return (
        f"{predicate.name}: {predicate.title}",
        "",
        predicate.sentence,
        f"It is judged from the tables {', '.join(predicate.tables)}.",
        "",
        "A history that passes: three replicas; the primary of epoch 1 is lost, and bravo leads epoch 2.",
        *_rows(told.passing, told.failing, sound=True),
        f"  {told.passes().outcome}: {told.passes().summary}",
        "",
        f"One that fails: {told.mistake}.",
        *_rows(told.passing, told.failing, sound=False),
        f"  {told.fails().outcome}: {told.fails().summary}",
        *(f"  - {evidence.text}" for evidence in told.fails().evidence),
    )


def _rows(passing: Run, failing: Run, *, sound: bool) -> Iterator[str]:
    """The rows in which the two histories differ, as this one has them."""
    for table in (
        "operations",
        "entries",
        "executions",
        "orders",
        "balances",
        "replicas",
        "account_fills",
        "account_positions",
        "instruments",
    ):
        yield from _difference(table, passing.table(table), failing.table(table), sound=sound)
    for table in ("marks", "quotes"):
        yield from _difference(table, passing.table(table), failing.table(table), sound=sound)
    yield from _difference("leadership", passing.leadership, failing.leadership, sound=sound)


def _difference(table: str, passing: pd.DataFrame, failing: pd.DataFrame, *, sound: bool) -> Iterator[str]:
    texts, others = _texts(passing if sound else failing), _texts(failing if sound else passing)
    different = [text for text, nodes in texts.items() if others.get(text) != nodes]
    for text in different[:_MOST_ROWS]:
        yield f"  {table}{_where(texts[text])}: {text}"
    if len(different) > _MOST_ROWS:
        yield f"  {table}: … and {len(different) - _MOST_ROWS} more rows like these"


def _texts(frame: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Each different row, without what it doesn't have, and the replicas that have it."""
    found: dict[str, dict[str, None]] = {}
    for row in frame.drop(columns="read", errors="ignore").to_dict("records"):
        told = {key: value for key, value in row.items() if not pd.isna(value) and value != ""}
        node = str(told.pop("node", ""))
        found.setdefault(" ".join(f"{key}={value}" for key, value in told.items()), {})[node] = None
    return {text: tuple(nodes) for text, nodes in found.items()}


def _where(nodes: tuple[str, ...]) -> str:
    if nodes == ("",):
        return ""
    return " on every replica" if len(nodes) == _REPLICAS else f" on {', '.join(nodes)}"
