from __future__ import annotations

from harness.platforms.holds import Holds


def test_a_service_is_let_go_by_the_last_who_holds_it() -> None:
    holds = Holds()
    holds.take(["a", "b"], "outage")
    holds.take(["a"], "crash")
    assert holds.let_go(["a", "b"], "outage") == ("b",)
    assert holds.let_go(["a"], "crash") == ("a",)


def test_letting_go_twice_does_no_harm() -> None:
    holds = Holds()
    holds.take(["a"], "crash")
    assert [holds.let_go(["a"], "crash") for _ in range(2)] == [("a",), ("a",)]
