"""What was there before a run costs it no time."""

from __future__ import annotations

import gc

import pytest

from harness.engine.garbage import old_objects_left_alone


def test_what_was_there_before_is_not_looked_at_and_is_again_afterwards() -> None:
    old = [[number] for number in range(1_000)]
    with old_objects_left_alone():
        seen = {id(thing) for thing in gc.get_objects()}
        new = [[number] for number in range(10)]
        assert not any(id(thing) in seen for thing in old)
        assert {id(thing) for thing in new} <= {id(thing) for thing in gc.get_objects()}
    assert id(old) in {id(thing) for thing in gc.get_objects()}
    assert gc.get_freeze_count() == 0


def test_a_run_that_breaks_gives_the_collector_its_objects_back() -> None:
    with pytest.raises(RuntimeError), old_objects_left_alone():
        raise RuntimeError
    assert gc.get_freeze_count() == 0
