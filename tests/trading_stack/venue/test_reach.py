"""When a gateway is cut off: literal sequences, times in ms."""

from __future__ import annotations

from trading_stack.gateway.reach import Reach

ENGINES = ("alpha", "bravo", "charlie")
MS = 1_000_000


class Watched:
    """A reach that is turned every 20 ms; `answers` are the engines that answer when they are asked."""

    def __init__(self, *answers: str) -> None:
        self.reach = Reach(ENGINES, 0)
        self.answers = set(answers)
        self.primary: tuple[int, str | None] = (1, "alpha")
        self.waits_since_ms: int | None = None
        self.now_ms = 0
        self.asked = 0

    def until(self, end_ms: int) -> str | None:
        while self.now_ms < end_ms:
            self.now_ms += 20
            waits = None if self.waits_since_ms is None else self.waits_since_ms * MS
            asked = self.reach.turn(self.now_ms * MS, waits_since_ns=waits, primary=self.primary)
            self.asked += len(asked)
            for engine in self.answers & set(asked):
                self.reach.heard(engine, self.now_ms * MS)
        return self.reach.cut_off


def test_nobody_is_asked_while_commands_are_answered() -> None:
    watched = Watched()
    watched.until(1_000)
    watched.waits_since_ms = 1_000
    assert watched.until(1_140) is None
    assert watched.asked == 0


def test_a_failover_is_no_reason_to_let_clients_go() -> None:
    watched = Watched("bravo", "charlie")
    watched.waits_since_ms = 0
    assert watched.until(1_300) is None
    assert watched.asked > 0


def test_without_a_majority_it_is_cut_off_after_half_a_second() -> None:
    watched = Watched("alpha")
    watched.until(1_000)
    watched.waits_since_ms = 1_000
    assert watched.until(1_480) is None
    assert watched.until(1_540) == "cut off: 1 of 3 engines answer"


def test_it_is_back_as_soon_as_a_majority_answers() -> None:
    watched = Watched()
    watched.waits_since_ms = 0
    assert watched.until(1_000) == "cut off: 0 of 3 engines answer"
    watched.waits_since_ms = None
    watched.answers = {"alpha", "charlie"}
    assert watched.until(1_200) is None
    asked = watched.asked
    watched.until(2_000)
    assert watched.asked == asked


def test_a_primary_that_stays_out_of_reach_cuts_it_off_too() -> None:
    watched = Watched("bravo", "charlie")
    watched.waits_since_ms = 0
    assert watched.until(1_340) is None
    assert watched.until(1_500) == "cut off: the primary, alpha, does not answer"
    watched.primary = (2, "bravo")
    assert watched.until(1_600) is None


def test_a_new_primary_has_its_own_time() -> None:
    watched = Watched("bravo")
    watched.answers.add("alpha")
    watched.waits_since_ms = 0
    watched.until(1_000)
    watched.primary = (2, "charlie")
    assert watched.until(2_100) is None
    assert watched.until(2_300) == "cut off: the primary, charlie, does not answer"


def test_without_any_primary_it_waits_for_one() -> None:
    watched = Watched("bravo", "charlie")
    watched.primary = (1, None)
    watched.waits_since_ms = 0
    assert watched.until(5_000) is None


def test_after_standing_still_the_silence_was_its_own() -> None:
    watched = Watched("alpha", "bravo", "charlie")
    watched.until(1_000)
    watched.waits_since_ms = 1_000
    watched.until(1_400)
    watched.now_ms = 9_400
    assert watched.until(9_500) is None
    assert watched.until(12_000) is None
