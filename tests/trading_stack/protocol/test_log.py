"""The log that a replica holds in memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trading_stack.journal.log import Log


@given(st.lists(st.integers(0, 2), max_size=40))
def test_where_the_run_of_an_epoch_starts(steps: list[int]) -> None:
    log, epoch = Log(), 1
    for number, step in enumerate(steps):
        epoch += step
        log.write(epoch, number, b"command")
    for index in range(1, log.last_index + 1):
        start = log.epoch_start(index)
        assert {log.epoch_at(each) for each in range(start, index + 1)} == {log.epoch_at(index)}
        assert start == 1 or log.epoch_at(start - 1) < log.epoch_at(index)
