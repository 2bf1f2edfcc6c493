from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.guardian.stack_lock import stack_lock
from harness.model.errors import EnvironmentUnfit
from harness.stack.description import Stack
from harness.stack.wan import Wan


def stack(name: str = "toy") -> Stack:
    return Stack(
        path=Path("compose.yml"), name=name, services=(), wan=Wan(), entry_points=(), adapter="toy:Toy"
    )


def test_a_second_run_is_told_who_holds_the_stack(tmp_path: Path) -> None:
    with (
        stack_lock(stack(), state=tmp_path),
        pytest.raises(EnvironmentUnfit, match=rf"'toy' .* in use by process {os.getpid()}") as error,
        stack_lock(stack(), state=tmp_path),
    ):
        pass
    assert error.value.next_step is not None
    assert f"kill -INT {os.getpid()}" in error.value.next_step


def test_the_lock_goes_with_the_run(tmp_path: Path) -> None:
    for _ in range(2):
        with stack_lock(stack(), state=tmp_path):
            pass


def test_other_stacks_are_free(tmp_path: Path) -> None:
    with stack_lock(stack(), state=tmp_path), stack_lock(stack("other"), state=tmp_path):
        pass


def test_a_holder_that_left_no_note_is_told_all_the_same(tmp_path: Path) -> None:
    with stack_lock(stack(), state=tmp_path):
        for note in (tmp_path / "locks").glob("*.json"):
            note.write_bytes(b"{")
        with pytest.raises(EnvironmentUnfit, match="another process"), stack_lock(stack(), state=tmp_path):
            pass
