"""Ctrl-C: breaks off what may be broken off, waits for what may not."""

from __future__ import annotations

import signal
import threading

import pytest

from harness.engine.interrupts import Interrupted, Interrupts, held_back


class Heard:
    def __init__(self) -> None:
        self.said: list[str] = []
        self.interrupts = Interrupts(
            wake=lambda: self.said.append("wake"), say_left=lambda: self.said.append("left")
        )


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_to_stop_and_the_second_says_what_is_left(heard: Heard, number: int) -> None:
    with heard.interrupts as interrupts:
        assert not interrupts.requested
        signal.raise_signal(number)
        assert interrupts.requested
        signal.raise_signal(number)
    assert heard.said == ["wake", "left"]


def test_a_breakable_stretch_is_broken_off(heard: Heard) -> None:
    reached = []

    def stretch() -> None:
        with heard.interrupts, heard.interrupts.breakable():
            signal.raise_signal(signal.SIGINT)
            reached.append("after")

    with pytest.raises(Interrupted):
        stretch()
    assert not reached
    assert heard.said == []


def test_a_breakable_stretch_does_not_even_begin_after_a_signal(heard: Heard) -> None:
    reached = []
    with heard.interrupts:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(Interrupted), heard.interrupts.breakable():
            reached.append("inside")
    assert not reached


def test_after_a_breakable_stretch_signals_only_ask(heard: Heard) -> None:
    with heard.interrupts:
        with heard.interrupts.breakable():
            pass
        signal.raise_signal(signal.SIGINT)
    assert heard.said == ["wake"]


def test_the_handlers_of_others_are_given_back(heard: Heard) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with heard.interrupts:
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_other_threads_leave_handlers_alone(heard: Heard) -> None:
    before = signal.getsignal(signal.SIGINT)
    seen: list[object] = []

    def elsewhere() -> None:
        with heard.interrupts, held_back():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [before]


def test_what_is_held_back_is_finished_first() -> None:
    reached = []

    @held_back()
    def stretch() -> None:
        signal.raise_signal(signal.SIGINT)
        reached.append("after")

    with pytest.raises(KeyboardInterrupt):
        stretch()
    assert reached == ["after"]


def test_nothing_held_back_is_nothing_raised() -> None:
    before = signal.getsignal(signal.SIGINT)
    with held_back():
        pass
    assert signal.getsignal(signal.SIGINT) == before


def test_an_error_inside_is_worth_more_than_the_signal() -> None:
    @held_back()
    def stretch() -> None:
        signal.raise_signal(signal.SIGINT)
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        stretch()
