"""When a client believes its gateway dead, and where it goes then: data, so that a report can print it."""

from __future__ import annotations

import msgspec

from harness.model.units import format_ns

MILLISECOND_NS = 10**6


class ReconnectPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """One client's policy.

    After `ping_every_ns` without any answer the client pings; after `silent_for_ns` (plus two round trips of the
    link) without any answer the connection is dead. It then dials: a new attempt every `dial_every_ns`, each to
    the next gateway if `moves`, else to its own again; the first that answers a ping within `dial_limit_ns` wins.
    Orders that were open are sent again with the same client order ids. An order for which there is no connection
    waits `hold_ns` for one; whatever happens, `wait_ns` after it was due the client stops waiting. A gateway that
    answers pings may still be cut off from whoever leads: with `stuck_after_ns`, a client whose oldest order has
    waited for that long tries its luck elsewhere.
    """

    moves: bool
    ping_every_ns: int = 40 * MILLISECOND_NS
    silent_for_ns: int = 200 * MILLISECOND_NS
    dial_every_ns: int = 100 * MILLISECOND_NS
    dial_limit_ns: int = 1000 * MILLISECOND_NS
    hold_ns: int = 2000 * MILLISECOND_NS
    wait_ns: int = 2000 * MILLISECOND_NS
    stuck_after_ns: int | None = None

    def __str__(self) -> str:
        where = "to the next gateway" if self.moves else "to the same gateway again"
        stuck = (
            ""
            if self.stuck_after_ns is None
            else f", or when an order has waited {format_ns(self.stuck_after_ns)}"
        )
        return (
            f"dead after {format_ns(self.silent_for_ns)} of silence (pings every {format_ns(self.ping_every_ns)}){stuck}; "
            f"dials {where} every {format_ns(self.dial_every_ns)}; "
            f"open orders are sent again under the same ids; gives up {format_ns(self.wait_ns)} after they were due"
        )


MOVING = ReconnectPolicy(
    moves=True,
    # Twice what a failover takes: while orders wait for one, every other gateway waits as well.
    stuck_after_ns=600 * MILLISECOND_NS,
)
"""A client that trades on through whichever gateway answers."""

PINNED = ReconnectPolicy(
    moves=False,
    # There is nowhere else to go, so leaving a slow gateway early would only hide how slow it is.
    silent_for_ns=1000 * MILLISECOND_NS,
    dial_limit_ns=2000 * MILLISECOND_NS,
    hold_ns=250 * MILLISECOND_NS,
)
"""A client that measures one gateway, and stays with it."""
