"""The keys of a scenario file that don't depend on which faults and checks are installed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from harness.model.quantities import Bound, Milliseconds, Seconds, Settings, Share

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=100)]
EntryId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=60)]
Tag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=60)]


class Load(Settings):
    """The order flow, and the probes that measure what clients see."""

    profile: Literal["steady", "burst", "quiet"] = Field(
        default="steady",
        description="How orders are spread over time: steady (independent clients), burst (five times the rate for "
        "200 ms of each 2 s), quiet (evenly spaced, few trades, orders that rest long).",
        examples=["burst"],
    )
    orders_per_s: float = Field(
        default=200.0, gt=0, le=100_000, description="Orders a second, on average.", examples=[200]
    )
    probe_every_ms: Milliseconds = Field(
        default=20.0,
        alias="probe_every",
        ge=1,
        description="From one probe to the next, at each gateway; failover times are known no finer.",
        examples=["20ms"],
    )


class SteadyState(Settings):
    """What must hold before the first fault; if it doesn't, the run is UNKNOWN."""

    for_s: Seconds = Field(
        default=3.0, alias="for", gt=0, description="From the start of the load, how long.", examples=["3s"]
    )
    availability: Bound[Share] = Field(
        default=Bound[Share](min=0.999),
        description="The share of probes answered ok.",
        examples=[{"min": "99.9%"}],
    )


class AbortAvailability(Bound[Share]):
    """A bound with `for`, so that one lost probe aborts nothing."""

    @model_validator(mode="after")
    def _complete(self) -> AbortAvailability:
        if self.for_s is None or self.for_s <= 0:
            raise ValueError("say for how long: `for: 15s`")
        if self.max is None or self.min is not None:
            raise ValueError("abort at or below a share: `max: 20%`")
        return self


class AbortWhen(Settings):
    """When to stop a run, heal, and still write the report."""

    availability: AbortAvailability | None = Field(
        default=None,
        description="Abort when the share of probes answered ok stays at or below `max` for `for`.",
        examples=[{"max": "20%", "for": "15s"}],
    )


class Allow(Settings):
    """What may happen besides the faults without making the run UNKNOWN."""

    exits: tuple[str, ...] = Field(
        default=(),
        description="Services, or roles, that may die by themselves.",
        examples=[["engine"]],
    )


class When(Settings):
    """A moment: an event of the stack, or the onset or end of another fault."""

    event: str = Field(
        description="An event of the stack; or the `id` of another entry, for its onset; or `id.end`, for its end.",
        examples=["election_started", "outage.end"],
    )
    after_s: Seconds = Field(
        default=0.0, alias="after", description="From the event to the onset.", examples=["5ms"]
    )


class Entry(Settings):
    """The keys of a timeline's entry that every fault has."""

    id: EntryId | None = Field(
        default=None,
        description="Its name in reports and for `when:`; by default the fault's.",
        examples=["outage"],
    )
    at_s: Seconds | None = Field(
        default=None, alias="at", description="The onset, from the start of the load.", examples=["4s"]
    )
    when: When | None = Field(
        default=None,
        description="Instead of `at`: strike at a moment of the failover.",
        examples=[{"event": "election_started", "after": "5ms"}],
    )
    fault: str = Field(
        description="What goes wrong; its own settings stand beside this key.", examples=["provider_outage"]
    )
    lasts_s: Seconds | None = Field(
        default=None,
        alias="lasts",
        gt=0,
        description="From the onset to the healing; by default until `ends`.",
        examples=["8s"],
    )

    @model_validator(mode="after")
    def _one_onset(self) -> Entry:
        if (self.at_s is None) == (self.when is None):
            raise ValueError("say when it strikes: either `at: 4s` or `when: {event: …}`")
        return self


class Head(Settings):
    """The top level of a scenario file, without `timeline`, `expect` and `parameters`."""

    scenario: Name = Field(
        description="The scenario's name: lower case words with dashes.", examples=["primary-provider-outage"]
    )
    summary: str = Field(
        default="",
        description="One sentence that says what happens.",
        examples=["The provider that runs the primary engine goes dark."],
    )
    tags: tuple[Tag, ...] = Field(
        default=(), description="Words to choose scenarios by.", examples=[["gate", "nightly"]]
    )
    load: Load = Field(
        default=Load(), description="The order flow.", examples=[{"profile": "steady", "orders_per_s": 200}]
    )
    steady_state: SteadyState = Field(
        default=SteadyState(),
        description="What must hold before the first fault.",
        examples=[{"for": "3s", "availability": {"min": "99.9%"}}],
    )
    ends_s: Seconds = Field(
        alias="ends", gt=0, le=7 * 24 * 3600, description="How long the load runs.", examples=["20s"]
    )
    timeout_s: Seconds | None = Field(
        default=None,
        alias="timeout",
        gt=0,
        description="Wall-clock limit of the whole run; by default `ends` and 60 s more.",
        examples=["90s"],
    )
    abort_when: AbortWhen | None = Field(
        default=None,
        description="When to stop early and heal.",
        examples=[{"availability": {"max": "20%", "for": "15s"}}],
    )
    allow: Allow = Field(
        default=Allow(),
        description="What may happen besides the faults.",
        examples=[{"exits": ["pricing"]}],
    )
    seed: int | None = Field(
        default=None,
        ge=0,
        lt=2**32,
        description="Where every random choice comes from; by default a stable hash of the name.",
        examples=[7],
    )

    @field_validator("tags")
    @classmethod
    def _each_once(cls, tags: tuple[str, ...]) -> tuple[str, ...]:
        twice = next((tag for index, tag in enumerate(tags) if tag in tags[:index]), None)
        if twice is not None:
            raise ValueError(f"the tag {twice!r} is there twice")
        return tags
