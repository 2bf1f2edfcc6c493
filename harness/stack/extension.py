"""The `x-harness` block of a compose file: what the harness must know of a stack beyond its services."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from harness.model.quantities import Milliseconds, Seconds, Settings, Share

Port = Annotated[int, Field(ge=1, le=65535)]


class EnterAt(Settings):
    """The services that clients connect to: all of a role, or one."""

    role: str | None = Field(default=None, description="Clients connect to the services of this role.")
    service: str | None = Field(default=None, description="Clients connect to this service alone.")
    port: Port | None = Field(
        default=None, description="The port; by default the first exposed one that isn't asked for health."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> EnterAt:
        if (self.role is None) == (self.service is None):
            raise ValueError("name either a `role` or a `service` that clients connect to")
        return self


class Clients(Settings):
    """How clients reach the stack."""

    enter_at: EnterAt = Field(description="Where orders go in, and where clients reconnect.")


class WanSettings(Settings):
    """The baseline of the wide-area links, as a person writes it; `harness.stack.wan.Wan` is what it comes to."""

    round_trip: dict[str, Milliseconds] = Field(
        default_factory=dict,
        description="A pair of providers (`alpha-bravo`), `clients`, `outside` or `default`, and its round trip.",
    )
    jitter: Share = Field(default=0.0, description="A share of the round trip by which delays vary.")


class Ready(Settings):
    """When the stack counts as started."""

    within_s: Seconds = Field(
        default=15.0, alias="within", description="How long the stack may take to start."
    )


class Limits(Settings):
    """What no scenario may go beyond."""

    providers_at_once: int | None = Field(
        default=None,
        ge=1,
        description="The largest number of providers that a scenario may strike at a time.",
    )


class ProcessSettings(Settings):
    """What only the process platform reads."""

    preload: str | None = Field(
        default=None,
        description="A module to import once, before services are forked from it (process platform).",
    )


class DefectSettings(Settings):
    """A known mistake of the stack, which its scenarios must catch."""

    environment: dict[str, str] = Field(description="What switches the mistake on, for every service.")
    caught_by: dict[str, str] = Field(
        description="Scenario to predicate or check that must fail: a name of the gate, or a path from the stack's file."
    )
    platform: str = Field(
        default="process",
        description="Where these scenarios run: sim for faults that processes can't suffer.",
    )


class DetectorSettings(Settings):
    """What the stack's own failover rests on, so that `harness detectors` can say where it stands."""

    kind: str = Field(
        description="A detector that `harness detectors` knows: fixed, excused, cautious, chen or phi."
    )
    setting: str = Field(description="Its setting as text, such as 240ms or 8.")
    heartbeat_ms: Milliseconds = Field(
        alias="heartbeat", gt=0, description="How often senders mean to be heard."
    )


class HarnessBlock(Settings):
    """The whole block; `docs/compose.md` shows an example."""

    adapter: str = Field(description="`module:Class` or `path/file.py:Class` of the adapter.")
    clients: Clients
    simulation: str | None = Field(
        default=None, description="`module:factory` of its nodes for virtual time."
    )
    wan: WanSettings = Field(default_factory=WanSettings)
    ready: Ready = Field(default_factory=Ready)
    limits: Limits = Field(default_factory=Limits)
    detector: DetectorSettings | None = Field(
        default=None, description="The failure detector that its failover rests on."
    )
    waives: dict[str, str] = Field(
        default_factory=dict, description="Predicates that can't be judged here, each with its reason."
    )
    defects: dict[str, DefectSettings] = Field(default_factory=dict, description="Known mistakes, by name.")
    process: ProcessSettings = Field(default_factory=ProcessSettings)
