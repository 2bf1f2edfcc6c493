"""What clients may rely on: nothing is done twice, nothing is invented, and everybody is answered."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from trading_stack.journal.primary import Commands, Primary
from trading_stack.simulation.generators import GENERATORS
from trading_stack.simulation.playing import run
from trading_stack.simulation.rules import Rule

honest = Primary.propose


def twice(primary: Primary, commands: Commands) -> None:
    honest(primary, commands)
    honest(primary, [(None, command) for _, command in commands])


def inventing(primary: Primary, commands: Commands) -> None:
    honest(primary, [*commands, (None, b"an order that nobody sent")])


def deaf(primary: Primary, commands: Commands) -> None:
    """Every other client's command vanishes without a word."""
    kept = [each for each in commands if not isinstance(each[0], int) or each[0] % 2 or each[0] > 1 << 39]
    if kept:
        honest(primary, kept)


@pytest.mark.parametrize(
    ("propose", "rule"), [(twice, Rule.ONCE), (inventing, Rule.SENT), (deaf, Rule.ANSWERED)]
)
def test_a_primary_that_deceives_its_clients_is_caught(
    monkeypatch: pytest.MonkeyPatch, propose: Callable[[Primary, Commands], None], rule: Rule
) -> None:
    monkeypatch.setattr(Primary, "propose", propose)
    finding = run(GENERATORS["uniform"](1)).finding
    assert finding is not None
    assert finding.rule is rule


def test_an_honest_one_is_not() -> None:
    assert run(GENERATORS["uniform"](1)).finding is None
