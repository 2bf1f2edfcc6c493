"""What a load process is told, and what it says: the plan on its command line, and the lines of both directions."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from harness.load.policy import MOVING, PINNED, ReconnectPolicy


class FlowPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Send order flow of a profile at `per_s` operations a second on average."""

    profile: str
    per_s: float


class ProbePlan(msgspec.Struct, frozen=True, kw_only=True):
    """Probe each gateway, and through the client that reconnects, every `every_ns`."""

    every_ns: int


class WorkerPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One load process. Its operations are numbered from `first_op`; `base` is the folder of the compose file."""

    worker: str
    first_op: int
    adapter: str
    folder: str
    seed: int
    flow: FlowPlan | None = None
    probes: ProbePlan | None = None
    base: str = "."
    moving: ReconnectPolicy = MOVING
    pinned: ReconnectPolicy = PINNED


class GatewayAddress(msgspec.Struct, frozen=True):
    """An entry point, and where this client must dial to reach it."""

    name: str
    provider: str | None
    host: str
    port: int


class Connect(msgspec.Struct, frozen=True):
    """Connect to all gateways; the reconnecting client begins at `first_gateway`."""

    gateways: tuple[GatewayAddress, ...]
    first_gateway: str
    within_s: float = 10.0


class Stop(msgspec.Struct, frozen=True):
    """Send nothing new; have an answer, or the venue's evidence, for everything sent within `drain_s`."""

    drain_s: float = 10.0


class Command(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line to a load process: one of the three is set. `start_mono_ns` is time zero, on the monotonic clock."""

    connect: Connect | None = None
    start_mono_ns: int | None = None
    stop: Stop | None = None


class Lateness(msgspec.Struct, frozen=True):
    """How late operations were sent against their due times: exact quantiles over `samples` operations."""

    samples: int = 0
    p50_ns: int = 0
    p99_ns: int = 0
    max_ns: int = 0


class Loaded(msgspec.Struct, frozen=True, tag="loaded", tag_field="said"):
    """Ready to be told where to connect."""


class Connected(msgspec.Struct, frozen=True, tag="connected", tag_field="said"):
    """Ready to start. `policies` states, for each client, what it does when its gateway falls silent."""

    policies: dict[str, str]


class Drained(msgspec.Struct, frozen=True, kw_only=True, tag="drained", tag_field="said"):
    """Over. `unresolved` counts sent orders of which nobody could say what became of them.

    `overruns` and `exceptions` count what the adapter did against its contract, `last_mishap` is the last of it;
    `reconnects` counts lost connections; `locust_requests` and `locust_failures` are Locust's own statistics.
    """

    worker: str
    operations: int
    unknown: int
    unresolved: int
    lateness: Lateness
    reconnects: int = 0
    overruns: int = 0
    exceptions: int = 0
    last_mishap: str = ""
    locust_requests: int = 0
    locust_failures: int = 0
    cpu_s: float = 0.0


class Failed(msgspec.Struct, frozen=True, tag="failed", tag_field="said"):
    """It can't go on."""

    reason: str


Said: TypeAlias = Loaded | Connected | Drained | Failed
