"""What an engine says of itself to sentinels: the same in services and in virtual time."""

from __future__ import annotations

from typing import Final

from trading_stack.engine.tally import Figures
from trading_stack.journal.replica import View
from trading_stack.sentinel.messages import NEVER, Heartbeat

HEARTBEAT_NS: Final = 20_000_000
"""How often an engine sends one; a change of its role goes out at once besides."""


def heartbeat(view: View, now_ns: int, *, fsynced_ns: int, linked: bool, figures: Figures) -> Heartbeat:
    """The heartbeat of a replica. `fsynced_ns` is when its last write became durable, `linked` whether the connection
    from its primary is up."""
    heard_ns = view.heard_primary_ns
    return Heartbeat(
        role=str(view.role),
        serving=view.serving,
        ready=view.proven and not view.broken,
        epoch=view.epoch,
        primary=view.leader,
        promised_epoch=view.promised_epoch,
        commit_index=view.commit_index,
        last_epoch=view.last.epoch,
        last_index=view.last.end,
        fsync_age_ns=now_ns - fsynced_ns,
        primary_age_ns=now_ns - heard_ns if linked and view.leader and heard_ns is not None else NEVER,
        write_age_ns=_age_ns(view.oldest_write_ns, now_ns),
        stalled_ns=_age_ns(view.stalled_since_ns, now_ns),
        queued=view.queued,
        requests=figures.requests,
        failed=figures.failed,
        latency_ns=figures.latency_ns,
    )


def _age_ns(since_ns: int | None, now_ns: int) -> int:
    return 0 if since_ns is None else now_ns - since_ns
