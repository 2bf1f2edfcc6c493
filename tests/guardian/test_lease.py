from __future__ import annotations

from itertools import pairwise

from guardian_support import OWNER, lease
from hypothesis import given
from hypothesis import strategies as st

from harness.guardian.identity import Owner
from harness.guardian.lease import due, newest_first, plan
from harness.model.undo import RemoveToxics, SignalProcess, StartService

START = StartService("engine", ("engine",), {}, "/", "/log")
THAW = SignalProcess(1, 1.0, "SIGCONT", "engine")
END = SignalProcess(1, 1.0, "SIGKILL", "engine")
CLEAR = RemoveToxics("127.0.0.1:1", (("a", "b"),))


def test_undoes_the_newest_lease_first_and_in_it_the_newest_undo() -> None:
    steps = plan(
        [lease("old", THAW, CLEAR, granted_ns=1), lease("new", CLEAR, THAW, granted_ns=2)], owner_ended=False
    )
    assert [(step.lease.name, step.undo) for step in steps] == [
        ("new", THAW),
        ("new", CLEAR),
        ("old", CLEAR),
        ("old", THAW),
    ]


def test_a_service_is_not_started_again_when_its_stack_ends() -> None:
    steps = plan([lease("stack", END, granted_ns=1), lease("fault", START, granted_ns=2)], owner_ended=False)
    assert [(step.undo, step.moot) for step in steps] == [(START, True), (END, False)]


def test_a_service_is_started_again_when_another_ends() -> None:
    other = SignalProcess(2, 1.0, "SIGKILL", "gateway")
    assert not any(
        step.moot for step in plan([lease("stack", other), lease("fault", START)], owner_ended=False)
    )


def test_nothing_is_started_again_for_an_owner_that_has_ended() -> None:
    assert [step.moot for step in plan([lease("fault", START, CLEAR)], owner_ended=True)] == [False, True]


def test_a_limit_that_has_passed_makes_its_lease_due_and_no_other() -> None:
    short, long = lease("short", CLEAR, limit_s=1), lease("long", THAW, limit_s=5)
    assert due([short, long], now_ns=999_999_999) == []
    assert due([short, long], now_ns=1_000_000_000) == [short]


def test_the_limit_of_a_stack_makes_everything_due_that_its_owner_holds() -> None:
    stack, fault = lease("stack", END, limit_s=1), lease("fault", START, limit_s=9)
    other = lease("other", CLEAR, limit_s=9, owner=Owner("this-boot", 1, 1.0))
    assert due([stack, fault, other], now_ns=2_000_000_000) == [stack, fault]


def test_undos_are_added_at_the_end_and_the_revision_grows() -> None:
    grown = lease("fault", THAW).extended((CLEAR,))
    assert (grown.undos, grown.revision) == ((THAW, CLEAR), 1)


@given(st.lists(st.integers(0, 5)))
def test_newest_first_orders_by_the_time_of_the_grant(times: list[int]) -> None:
    leases = [lease(f"{index}", granted_ns=time) for index, time in enumerate(times)]
    ordered = newest_first(leases)
    assert sorted(one.id for one in ordered) == sorted(one.id for one in leases)
    assert all(a.granted_ns >= b.granted_ns for a, b in pairwise(ordered))


def test_an_owner_has_a_name_for_files() -> None:
    assert OWNER.key == "4000-100000"
