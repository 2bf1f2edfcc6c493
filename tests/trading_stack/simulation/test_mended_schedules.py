"""The smallest schedules that once broke a rule: sound now, and broken again when what was mended is taken out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from trading_stack.journal.core import Core
from trading_stack.sentinel import docket, sentinel, view
from trading_stack.simulation.playing import run
from trading_stack.simulation.rules import Rule
from trading_stack.simulation.schedule import read

MENDED = Path(__file__).parent / "mended"
KEPT = sorted(path.stem for path in MENDED.glob("*.json"))

Undo = Callable[[pytest.MonkeyPatch], None]


def _commits_before_its_state(patched: pytest.MonkeyPatch) -> None:
    """A primary whose own disk was slow took followers' word, and applied to a state that it had not installed yet."""
    patched.setattr(Core, "installing", property(lambda _: 0, lambda _, __: None))


def _a_rogue_uses_up_all_epochs(patched: pytest.MonkeyPatch) -> None:
    """One rogue sentinel claimed the highest number there is, and no other could sign for the one after it."""
    for module in (docket, sentinel, view):
        patched.setattr(module, "believed", lambda epoch, *, known: epoch)


def _two_move_at_once(patched: pytest.MonkeyPatch) -> None:
    """Two sentinels whose motions ran out moved again at once, and both at once, for ever: neither seconded the other."""
    patched.setattr(sentinel.Sentinel, "_back_off", lambda _: None)


UNDONE: dict[str, tuple[Rule | type[Exception], Undo]] = {
    "commits-before-its-state": (Rule.PREFIX, _commits_before_its_state),
    "epochs-used-up-by-a-rogue": (OverflowError, _a_rogue_uses_up_all_epochs),
    "two-that-move-at-once": (Rule.PROGRESS, _two_move_at_once),
}


def test_each_is_told_how_it_was_broken() -> None:
    assert sorted(UNDONE) == KEPT


@pytest.mark.parametrize("name", KEPT)
def test_it_is_sound(name: str) -> None:
    assert run(read(MENDED / f"{name}.json")).finding is None


@pytest.mark.parametrize("name", KEPT)
def test_it_was_broken(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rule, undo = UNDONE[name]
    undo(monkeypatch)
    if not isinstance(rule, Rule):
        with pytest.raises(rule):
            run(read(MENDED / f"{name}.json"))
        return
    finding = run(read(MENDED / f"{name}.json")).finding
    assert finding is not None
    assert finding.rule is rule
