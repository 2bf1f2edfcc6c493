"""Every change on a running toy stack: its effect, its facts, its healing, and what planted mistakes it catches."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from platform_support import eventually, gone, link, ready, running, traffic
from toy import COMPOSE

from harness.faults.contract import Change, Cut, Direction, Established, Fact, NewConnections
from harness.model.errors import EnvironmentUnfit, StackUnhealthy
from harness.model.span import Span
from harness.model.undo import RemoveToxics, SignalProcess, StartService
from harness.platforms.cutting import Cutting
from harness.platforms.site import ProcessSite
from harness.platforms.sockets import ESTABLISHED, SockDiag
from harness.stack.description import Link, Stack
from harness.wan.client import WanClient

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ProcessSite, Stack]]:
    with running(tmp_path_factory.mktemp("hands"), COMPOSE.replace("FRIEND", "PEERS")) as (site, stack):
        ready(site)
        yield site, stack


@pytest.fixture
def site(started: tuple[ProcessSite, Stack]) -> ProcessSite:
    """The site, all of it ready and all its links busy."""
    site, stack = started
    ready(site)
    peers = [link.name for link in busy(stack)]
    assert eventually(lambda: traffic(site, peers))
    return site


@pytest.fixture
def stack(started: tuple[ProcessSite, Stack]) -> Stack:
    return started[1]


def busy(stack: Stack) -> list[Link]:
    """The links between services of different providers."""
    return [one for one in stack.links if one.crosses_wan and one.source != "clients"]


def applied(change: Change) -> list[Fact]:
    """Apply a change and gather its facts; the measured span must lie within the call."""
    asked_ns = time.monotonic_ns()
    span = change.apply()
    assert asked_ns <= span.first_ns <= span.last_ns <= time.monotonic_ns()
    return change.facts()


def convinced(facts: list[Fact]) -> bool:
    return bool(facts) and all(fact.convincing for fact in facts)


def test_kill_and_start_again_with_the_same_address_and_data(site: ProcessSite) -> None:
    pid, starts = site.pids()["echo-alpha"], Path(site._parts.places.run_dir / "volumes" / "store" / "starts")
    before = len(starts.read_text().splitlines())
    change = site.hands.kill(["echo-alpha"])
    assert all(isinstance(undo, StartService) for undo in change.undo)
    facts = applied(change)
    assert [(fact.subject, fact.source, fact.convincing) for fact in facts] == [
        ("echo-alpha", "victim", True)
    ]
    assert gone(pid)
    assert "echo-alpha" not in site.pids()
    change.revert()
    change.revert()
    assert ready(site, "echo-alpha") == ["echo-alpha"]
    assert site.pids()["echo-alpha"] != pid
    assert len(starts.read_text().splitlines()) == before + 1
    assert [(one.service, one.code, one.expected) for one in site.exits()] == [("echo-alpha", -9, True)]


def test_killing_what_is_dead_is_no_fault(site: ProcessSite) -> None:
    first, second = site.hands.kill(["idle-bravo"]), site.hands.kill(["idle-bravo"])
    first.apply()
    with pytest.raises(StackUnhealthy, match="nothing to kill"):
        second.apply()
    first.revert()
    assert "idle-bravo" not in site.pids(), "another change still keeps it down"
    second.revert()
    assert "idle-bravo" in site.pids()


def test_pause_freezes_and_thaws(site: ProcessSite) -> None:
    change = site.hands.pause(["echo-bravo", "idle-bravo"])
    assert {undo.signal for undo in change.undo if isinstance(undo, SignalProcess)} == {"SIGCONT"}
    assert convinced(applied(change))
    change.revert()
    assert not convinced(change.facts()), "it runs again, so the facts must not convince any more"
    change.revert()
    assert len(ready(site)) == 3


def test_a_cut_silences_both_ways_and_leaves_handshakes_unanswered(site: ProcessSite, stack: Stack) -> None:
    change = site.hands.cut([Cut(one) for one in busy(stack)])
    (undo,) = change.undo
    assert isinstance(undo, RemoveToxics)
    assert len(undo.toxics) == 2 * len(busy(stack))
    facts = applied(change)
    assert convinced(facts)
    assert {fact.subject for fact in facts[:-1]} == {one.name for one in busy(stack)}
    assert "handshakes of our own were unanswered" in facts[-1].fact
    change.revert()
    change.revert()
    assert eventually(lambda: traffic(site, [one.name for one in busy(stack)]))


def test_a_short_cut_is_judged_by_what_was_seen_before_it_was_lifted(site: ProcessSite, stack: Stack) -> None:
    change = site.hands.cut([Cut(one) for one in busy(stack)])
    facts: list[Fact] = []
    change.apply()
    watcher = threading.Thread(target=lambda: facts.extend(change.facts()))
    watcher.start()
    assert isinstance(change, Cutting)
    assert eventually(lambda: change._look._watching)
    watcher.join(0.2)
    change.revert()
    watcher.join()
    assert convinced(facts)


def test_a_cut_of_one_direction_is_judged_by_that_direction(site: ProcessSite, stack: Stack) -> None:
    one = link(stack, "echo-alpha", "echo-bravo")
    change = site.hands.cut([Cut(one, Direction.TO, Established.STALL, NewConnections.STALL)])
    (fact,) = applied(change)
    assert fact.convincing
    assert "to its target" in fact.fact
    change.revert()


def test_a_cut_may_reset_and_reject(site: ProcessSite, stack: Stack) -> None:
    one = link(stack, "echo-alpha", "echo-bravo")
    change = site.hands.cut([Cut(one, Direction.BOTH, Established.RESET, NewConnections.REJECT)])
    facts = applied(change)
    assert convinced(facts)
    assert "refused" in facts[-1].fact
    change.revert()


def test_what_no_proxy_can_do_is_refused_before_anything_happens(site: ProcessSite, stack: Stack) -> None:
    one = link(stack, "echo-alpha", "echo-bravo")
    with pytest.raises(EnvironmentUnfit, match="can't be stalled while new ones are allowed"):
        site.hands.cut([Cut(one, new=NewConnections.ALLOW)])
    inside = [link for link in stack.links if not link.crosses_wan]
    for other in inside:
        with pytest.raises(EnvironmentUnfit, match="inside one provider"):
            site.hands.delay([other], latency_ms=1)


def doing_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant a client that says yes and does nothing."""

    def nothing(self: WanClient, changes: Any) -> Span:
        now_ns = time.monotonic_ns()
        return Span(now_ns, now_ns)

    monkeypatch.setattr(WanClient, "apply", nothing)


def test_a_cut_that_did_nothing_does_not_convince(
    site: ProcessSite, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    doing_nothing(monkeypatch)
    facts = applied(site.hands.cut([Cut(one) for one in busy(stack)]))
    assert facts
    assert not any(fact.convincing for fact in facts)


def test_a_delay_that_did_nothing_does_not_convince(
    site: ProcessSite, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    doing_nothing(monkeypatch)
    facts = applied(site.hands.delay(busy(stack), latency_ms=40))
    assert facts
    assert not any(fact.convincing for fact in facts)


def test_a_reset_that_did_nothing_does_not_convince(
    site: ProcessSite, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    doing_nothing(monkeypatch)
    facts = applied(site.hands.reset(busy(stack)))
    assert facts
    assert not any(fact.convincing for fact in facts)


def test_an_idle_link_tells_nothing(site: ProcessSite, stack: Stack) -> None:
    clients = [one for one in stack.links if one.source == "clients"]
    change = site.hands.cut([Cut(one, new=NewConnections.STALL) for one in clients])
    assert applied(change) == []
    change.revert()


def test_a_delay_is_measured_on_the_very_link(site: ProcessSite, stack: Stack) -> None:
    change = site.hands.delay(busy(stack), latency_ms=400)  # far above what a busy machine adds
    facts = applied(change)
    assert convinced(facts)
    assert len(facts) == 2 * len(busy(stack))
    assert all(fact.measured == pytest.approx(400, rel=0.2) for fact in facts)
    change.adjust(latency_ms=200, jitter_ms=2)
    assert convinced(change.facts())
    change.revert()
    change.revert()


def test_a_short_delay_is_judged_by_what_was_seen_of_it(site: ProcessSite, stack: Stack) -> None:
    change = site.hands.delay(busy(stack), latency_ms=1_000)
    facts: list[Fact] = []
    change.apply()
    watcher = threading.Thread(target=lambda: facts.extend(change.facts()))
    watcher.start()
    watcher.join(0.8)
    change.revert()
    watcher.join()
    assert convinced(facts)


def test_connections_that_were_reset_are_gone_and_others_come(site: ProcessSite, stack: Stack) -> None:
    change = site.hands.reset(busy(stack))
    assert change.undo == ()
    facts = applied(change)
    assert convinced(facts)
    assert {fact.subject for fact in facts} == {one.name for one in busy(stack)}
    change.revert()


def test_when_a_provider_goes_dark_no_close_and_no_reset_escapes(site: ProcessSite, stack: Stack) -> None:
    victims = [service.name for service in stack.by_provider("bravo")]
    touching = [one for one in stack.links if one.crosses_wan and {one.source, one.target} & set(victims)]
    out = link(stack, "echo-alpha", "echo-bravo").name
    port = site._parts.places.proxies[out].port
    cut, kill = site.hands.cut([Cut(one) for one in touching]), site.hands.kill(victims)
    cut.apply()
    with SockDiag() as diag:
        dialled = [one for one in diag.table() if one.remote_port == port and one.state == ESTABLISHED]
        (far_end,) = (one for one in dialled if one.bytes_sent)  # the others fill the accept queue
        received = far_end.bytes_received
        kill.apply()
        facts = [*cut.facts(), *kill.facts()]
        (after,) = diag.ask([far_end])
    assert after is not None
    assert (after.state, after.bytes_received) == (ESTABLISHED, received)
    assert convinced(facts)
    kill.revert()
    cut.revert()
    ready(site)
    assert eventually(lambda: traffic(site, [out]))
