"""The stack that ships here has a name of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.model.errors import UsageError
from harness.stack.choice import Project, find_stack

NOBODY = Project(None, {})


def test_the_reference_stack_can_be_named_from_anywhere(tmp_path: Path) -> None:
    chosen = find_stack("reference", {}, NOBODY, tmp_path)
    assert chosen.value.name == "docker-compose.yml"
    assert "x-harness" in chosen.value.read_text()
    assert chosen.source == "--stack"


def test_where_there_is_no_stack_the_message_names_the_one_that_ships_here(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--stack reference"):
        find_stack(None, {}, NOBODY, tmp_path)
