"""Locust's part: an environment without a web page, whose one user sends what a pure model says is due."""

from __future__ import annotations

from collections.abc import Callable

from locust import User, task
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import LocalRunner

from harness.load.client import Attempted
from harness.load.connection import NANOSECONDS_A_SECOND
from harness.load.timed import TimedOperation
from harness.model.operations import Info


class OperationUnknown(Exception):
    """An operation whose outcome nobody knows: what Locust counts as a failure."""


class LocustRun:
    """One user in a local runner. Locust's events fire for each operation, so that its statistics and plugins work."""

    def __init__(self, send: Callable[[], None]) -> None:
        class OrderFlowUser(User):
            @task
            def trade(self) -> None:
                send()
                raise StopUser

        self._environment = Environment(user_classes=[OrderFlowUser], catch_exceptions=False)
        self._runner: LocalRunner = self._environment.create_local_runner()

    def start(self) -> None:
        """Let the user begin."""
        self._runner.start(1, spawn_rate=1)

    def fired(self, timed: TimedOperation, attempted: Attempted, due_ns: int) -> None:
        """Tell Locust of one completed operation; its response time counts from when it was due."""
        self._environment.events.request.fire(  # type: ignore[no-untyped-call]  # Locust's own is untyped
            request_type=timed.purpose,
            name=attempted.gateway.name,
            response_time=(attempted.completed_ns - due_ns) * 1000 / NANOSECONDS_A_SECOND,
            response_length=0,
            exception=OperationUnknown(attempted.reply.reason) if isinstance(attempted.reply, Info) else None,
            context={},
        )

    def totals(self) -> tuple[int, int]:
        """Requests and failures, as Locust counted them."""
        return self._environment.stats.total.num_requests, self._environment.stats.total.num_failures

    def quit(self) -> None:
        self._runner.quit()
