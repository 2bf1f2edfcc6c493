"""Where the kernel does not tell about sockets, the proxy's own counts at its far end stand in, and are named as such."""

from __future__ import annotations

from pathlib import Path

import pytest
from platform_support import eventually, ready, running, traffic

from harness.faults.contract import Cut
from harness.model.errors import HealFailed
from harness.platforms.sockets import NoSockDiag, SockDiag
from harness.wan.client import WanClient
from harness.wan.errors import WanUnreachable

pytestmark = pytest.mark.processes


def test_without_sock_diag_the_proxy_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(self: SockDiag) -> None:
        raise NoSockDiag("not here")

    monkeypatch.setattr(SockDiag, "__init__", lacking)
    with running(tmp_path) as (site, stack):
        ready(site)
        links = [one for one in stack.links if one.source.startswith("echo")]
        assert eventually(lambda: traffic(site, [one.name for one in links]))
        change = site.hands.cut([Cut(one) for one in links])
        change.apply()
        facts = change.facts()
        assert all(fact.convincing for fact in facts)
        assert {fact.subject for fact in facts} >= {one.name for one in links}
        assert "the proxy at its far end" in facts[0].fact
        change.revert()
        delay = site.hands.delay(links, latency_ms=20)
        delay.apply()
        (fact,) = delay.facts()
        assert not fact.convincing
        assert "no delay could be measured" in fact.fact
        delay.revert()


def test_a_lift_that_fails_is_told_unless_the_stack_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path) as (site, stack):
        ready(site)
        links = [one for one in stack.links if one.crosses_wan]
        changes = [site.hands.cut([Cut(one) for one in links]), site.hands.delay(links, latency_ms=1)]
        for change in changes:
            change.apply()

        def unreachable(*_: object) -> None:
            raise WanUnreachable("no answer")

        monkeypatch.setattr(WanClient, "apply", unreachable)
        for change in changes:
            with pytest.raises(HealFailed, match="no answer"):
                change.revert()
        site.stop()
        for change in changes:
            change.revert()
