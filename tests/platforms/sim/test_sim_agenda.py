from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.platforms.sim.agenda import Agenda


@given(st.lists(st.integers(0, 20), max_size=40))
def test_things_happen_in_the_order_of_time_and_then_of_asking(times: list[int]) -> None:
    agenda = Agenda()
    happened: list[tuple[int, int]] = []
    for number, at_ns in enumerate(times):
        agenda.at(at_ns, lambda at_ns=at_ns, number=number: happened.append((at_ns, number)))  # type: ignore[misc]
    agenda.run_until(100)
    assert happened == sorted((at_ns, number) for number, at_ns in enumerate(times))
    assert agenda.now_ns == 100


def test_what_is_cancelled_does_not_happen_and_what_is_past_happens_next() -> None:
    agenda = Agenda()
    happened: list[str] = []
    agenda.run_until(50)
    agenda.at(60, lambda: happened.append("never")).cancel()
    agenda.at(10, lambda: happened.append("late"))
    agenda.after(5, lambda: happened.append("later"))
    agenda.run_until(54)
    assert (happened, agenda.now_ns) == (["late"], 54)
    agenda.run_until(100)
    assert happened == ["late", "later"]


def test_it_stops_after_the_step_that_asks_for_it() -> None:
    agenda = Agenda()
    happened: list[int] = []
    for number in range(5):
        agenda.at(number * 10, lambda number=number: happened.append(number))  # type: ignore[misc]
    assert agenda.run_until(100, stop=lambda: len(happened) == 2)
    assert (happened, agenda.now_ns) == ([0, 1], 10)


def test_waiting_ends_when_it_holds_or_when_its_time_is_over() -> None:
    agenda = Agenda()
    happened: list[int] = []
    agenda.at(12, lambda: happened.append(12))
    assert agenda.wait_for(lambda: bool(happened), within_ns=100, every_ns=5)
    assert agenda.now_ns == 15
    assert not agenda.wait_for(lambda: False, within_ns=12, every_ns=5)
    assert agenda.now_ns == 27
