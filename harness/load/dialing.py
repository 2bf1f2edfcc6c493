"""Dialling: attempts overlap, so that one that hangs in the dark does not keep the next from being made."""

from __future__ import annotations

import time
from collections.abc import Sequence

import gevent
from gevent.event import AsyncResult

from harness.load.connection import (
    GRACE_S,
    NANOSECONDS_A_SECOND,
    AdapterFactory,
    Connection,
    Gateway,
    Mishaps,
    close_quietly,
    ping,
)
from harness.load.policy import ReconnectPolicy
from harness.stack.adapter import Adapter, Heartbeat


class Dialer:
    """Finds a gateway that answers, in turn from the one that is to be tried first."""

    def __init__(
        self, factory: AdapterFactory, gateways: Sequence[Gateway], policy: ReconnectPolicy, mishaps: Mishaps
    ) -> None:
        self._factory = factory
        self._gateways = tuple(gateways)
        self._policy = policy
        self._mishaps = mishaps

    def dial(self, *, first: int) -> Connection:
        """The first connection that answers; blocks for as long as none does.

        A new attempt starts every `dial_every_ns`, and at once when one fails before each gateway was tried.
        """
        won = AsyncResult()
        attempts: list[gevent.Greenlet] = []
        made = 0
        every_s = self._policy.dial_every_ns / NANOSECONDS_A_SECOND
        try:
            while not won.ready():
                attempt = gevent.spawn(
                    self._attempt, self._gateways[(first + made) % len(self._gateways)], won
                )
                made += 1
                attempts = [*(each for each in attempts if not each.dead), attempt]
                hurry = made % len(self._gateways) != 0
                gevent.wait([won, attempt] if hurry else [won], timeout=every_s, count=1)
            connection: Connection = won.get()
            return connection
        finally:
            gevent.killall(attempts, block=False)

    def _attempt(self, gateway: Gateway, won: AsyncResult) -> None:
        adapter = self._factory()
        kept = False
        try:
            round_trip_ns = self._greet(adapter, gateway)
            if round_trip_ns is not None and not won.ready():
                won.set(
                    Connection(adapter, gateway, self._policy, self._mishaps, round_trip_ns=round_trip_ns)
                )
                kept = True
        finally:
            if not kept:
                close_quietly(adapter)

    def _greet(self, adapter: Adapter, gateway: Gateway) -> int | None:
        """Connect, and ping: a handshake that a proxy completed is no evidence of a gateway behind it."""
        limit_s = self._policy.dial_limit_ns / NANOSECONDS_A_SECOND
        with gevent.Timeout(2 * limit_s + GRACE_S, exception=False):
            try:
                adapter.connect(gateway.address, deadline_s=limit_s)
            except OSError:
                return None
            except Exception as error:
                self._mishaps.raised(error)
                return None
            began_ns = time.monotonic_ns()
            if isinstance(adapter, Heartbeat) and not ping(adapter, deadline_s=limit_s):
                return None
            return time.monotonic_ns() - began_ns
        return None
