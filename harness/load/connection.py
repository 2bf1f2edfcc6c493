"""One open connection to one gateway: an adapter with deadlines that are kept, and a watch on its signs of life."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import gevent
from gevent.event import AsyncResult

from harness.load.liveness import Liveness, Sign
from harness.load.policy import ReconnectPolicy
from harness.model.operations import Fail, Info, Ok, Operation, Reply
from harness.stack.adapter import Adapter, Address, Heartbeat

AdapterFactory = Callable[[], Adapter]

NANOSECONDS_A_SECOND: Final = 10**9
GRACE_S: Final = 0.05  # an adapter that answers this much after its deadline is late, not stuck


class Gateway(NamedTuple):
    """An entry point of the stack."""

    name: str
    provider: str | None
    address: Address


@dataclass(slots=True)
class Mishaps:
    """What the adapters did that their contract does not allow; counted over a whole worker."""

    overruns: int = 0
    exceptions: int = 0
    last: str = ""

    def overran(self, deadline_s: float) -> Info:
        self.overruns += 1
        self.last = f"no answer {GRACE_S * 1000:.0f} ms after its deadline of {deadline_s:.3f} s"
        return Info(f"the adapter overran its deadline: {self.last}")

    def raised(self, error: BaseException) -> Info:
        self.exceptions += 1
        self.last = f"{type(error).__name__}: {error}"
        return Info(f"the adapter raised {self.last}")


class Connection:
    """A connected adapter. Once `broken`, everything that waits for an answer is told so at once, by `Info`."""

    def __init__(
        self,
        adapter: Adapter,
        gateway: Gateway,
        policy: ReconnectPolicy,
        mishaps: Mishaps,
        *,
        round_trip_ns: int,
    ) -> None:
        self.gateway = gateway
        self.broken: str | None = None
        self._adapter = adapter
        self._heart: Heartbeat | None = adapter if isinstance(adapter, Heartbeat) else None
        self._mishaps = mishaps
        self._policy = policy
        self._waiting: dict[AsyncResult, int] = {}  # since when, oldest first
        self._on_broken: Callable[[Connection], None] = _ignore
        self._liveness = Liveness(policy, now_ns=time.monotonic_ns(), round_trip_ns=round_trip_ns)
        self._watch = None

    def watch(self, on_broken: Callable[[Connection], None]) -> None:
        """Begin to look for signs of life; `on_broken` is called once when there are none."""
        self._on_broken = on_broken
        if self._heart is not None:
            self._watch = gevent.spawn(self._keep_looking, self._heart)

    def invoke(self, operation: Operation, *, deadline_s: float) -> Reply:
        """The adapter's answer; `Info` when it raises, overruns its deadline, or the connection breaks meanwhile."""
        answer = AsyncResult()
        self._waiting[answer] = time.monotonic_ns()
        call = gevent.spawn(self._call, answer, operation, deadline_s)
        try:
            reply: Reply = answer.get(timeout=deadline_s + GRACE_S)
        except gevent.Timeout:
            call.kill(block=False)
            return self._mishaps.overran(deadline_s)
        finally:
            self._waiting.pop(answer, None)
        if self.broken is not None and isinstance(reply, Info):
            call.kill(block=False)
        return reply

    def confirm(self) -> None:
        """After a suspicious answer: ask the far end now, and break the connection if it is not there."""
        if self.broken is None and self._heart is not None:
            self._ping(self._heart, self._liveness.patience_ns / NANOSECONDS_A_SECOND, must_answer=True)

    def break_off(self, reason: str) -> None:
        """Declare the connection dead: wake all that wait, tell the owner, close the adapter."""
        if self.broken is not None:
            return
        self.broken = reason
        for answer in tuple(self._waiting):
            answer.set(Info(reason))
        self._on_broken(self)
        gevent.spawn(close_quietly, self._adapter)
        if self._watch is not None:
            self._watch.kill(block=False)

    def _call(self, answer: AsyncResult, operation: Operation, deadline_s: float) -> None:
        try:
            reply: Reply = self._adapter.invoke(operation, deadline_s=deadline_s)
        except Exception as error:
            # Whatever an adapter raises is no evidence of a rejection.
            reply = self._mishaps.raised(error)
        else:
            if isinstance(reply, Ok | Fail):
                self._liveness.heard(time.monotonic_ns())
            elif not isinstance(reply, Info):
                reply = self._mishaps.raised(TypeError(f"invoke answered {type(reply).__name__}"))
        if not answer.ready():
            answer.set(reply)

    def _keep_looking(self, heart: Heartbeat) -> None:
        look_every_s = self._policy.ping_every_ns / 2 / NANOSECONDS_A_SECOND
        while self.broken is None:
            gevent.sleep(look_every_s)
            sign = self._liveness.look(time.monotonic_ns())
            if sign is Sign.PING:
                gevent.spawn(
                    self._ping, heart, self._policy.dial_limit_ns / NANOSECONDS_A_SECOND, must_answer=False
                )
            elif sign is Sign.GIVE_UP:
                patience_ms = self._liveness.patience_ns / 1e6
                self.break_off(f"{self.gateway.name} was silent for {patience_ms:.0f} ms")
            elif self._stuck():
                self.break_off(f"{self.gateway.name} answers pings, and has answered no order for too long")

    def _stuck(self) -> bool:
        """Whether the oldest order has waited for longer than this client waits at one gateway."""
        limit_ns = self._policy.stuck_after_ns
        oldest_ns = next(iter(self._waiting.values()), None)
        return limit_ns is not None and oldest_ns is not None and time.monotonic_ns() - oldest_ns > limit_ns

    def _ping(self, heart: Heartbeat, deadline_s: float, *, must_answer: bool) -> None:
        """A ping that fails well before its deadline says that the connection is gone; a slow one says nothing."""
        began_ns = time.monotonic_ns()
        if ping(heart, deadline_s=deadline_s):
            self._liveness.heard(time.monotonic_ns())
            return
        took_s = (time.monotonic_ns() - began_ns) / NANOSECONDS_A_SECOND
        if must_answer or took_s < 0.9 * deadline_s:
            self.break_off(f"the connection to {self.gateway.name} does not answer a ping")


def ping(adapter: Heartbeat, *, deadline_s: float) -> bool:
    """Whether the far end answered in time; an exception counts as no."""
    with gevent.Timeout(deadline_s + GRACE_S, exception=False):
        try:
            return bool(adapter.ping(deadline_s=deadline_s))
        except Exception:
            return False
    return False


def close_quietly(adapter: Adapter) -> None:
    """Close an adapter whose connection is of no more use; it gets a second, and its errors interest nobody."""
    with gevent.Timeout(1.0, exception=False):
        try:
            adapter.close()
        except Exception:
            return


def _ignore(_: Connection) -> None:
    return
