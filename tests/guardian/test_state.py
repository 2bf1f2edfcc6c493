from __future__ import annotations

from pathlib import Path

from harness.guardian.state import state_dir


def test_the_nearest_wish_wins() -> None:
    assert state_dir({"HARNESS_STATE_DIR": "/a", "XDG_STATE_HOME": "/b"}) == Path("/a")
    assert state_dir({"XDG_STATE_HOME": "/b"}) == Path("/b/failover-harness")
    assert state_dir({}) == Path.home() / ".local" / "state" / "failover-harness"
