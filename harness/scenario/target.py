"""What a fault strikes, as a scenario names it: providers, services, roles and links.

These types hold words only. Who `primary` is gets decided at the onset, by the engine; whether `engine-alfa` exists is
checked against the stack before anything starts (`harness.scenario.validation`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, model_validator

from harness.model.quantities import Settings

PRIMARY: Final = "primary"
STANDBY: Final = "standby"
STANDBYS: Final = "standbys"
CANDIDATE: Final = "candidate"
ANY: Final = "any"
CLIENTS: Final = "clients"
OUTSIDE: Final = "outside"

PROVIDER_WORDS: Final[dict[str, str]] = {
    PRIMARY: "the provider of the service that leads at the onset",
    STANDBY: "one of the other providers that could lead, drawn from the seed",
    STANDBYS: "all of the other providers that could lead",
    CANDIDATE: "the provider of the candidate in the event that `when:` waited for",
    ANY: "one provider, drawn from the seed",
}
SERVICE_WORDS: Final[dict[str, str]] = {
    PRIMARY: "the service that leads at the onset",
    STANDBY: "one service of the same role that doesn't lead, drawn from the seed",
    CANDIDATE: "the candidate in the event that `when:` waited for",
    ANY: "one service, drawn from the seed",
}
LINK_END_WORDS: Final[dict[str, str]] = {
    **PROVIDER_WORDS,
    CLIENTS: "the clients, which stand outside every provider",
    OUTSIDE: "the services that stand outside every provider",
}
RESERVED: Final = frozenset({*PROVIDER_WORDS, *SERVICE_WORDS, *LINK_END_WORDS})


class LinkSelector(Settings):
    """Links by their ends, or one link by its name.

    An end is a provider, a service or a word of `LINK_END_WORDS`. `between` takes both directions; `from` and `to` take
    the links that are dialled from one end, to the other, or both. (A link is the direction in which connections are
    made; replies come back on it.)
    """

    between: tuple[str, str] | None = Field(
        default=None,
        description="Two ends: all links between them, in both directions.",
        examples=[["primary", "standbys"]],
    )
    from_: str | None = Field(
        default=None, alias="from", description="The end that dials.", examples=["alpha", "clients"]
    )
    to: str | None = Field(default=None, description="The end that is dialled.", examples=["bravo"])
    name: str | None = Field(
        default=None,
        description="One link: source--target-port.",
        examples=["engine-alpha--engine-bravo-7100"],
    )

    @model_validator(mode="after")
    def _one_form(self) -> LinkSelector:
        forms = [
            self.between is not None,
            self.from_ is not None or self.to is not None,
            self.name is not None,
        ]
        if sum(forms) != 1:
            raise ValueError("name links in one way: `between: [a, b]`, or `from` and `to`, or `name`")
        if self.between is not None and self.between[0] == self.between[1]:
            raise ValueError(f"both ends are {self.between[0]!r}: a link has two different ends")
        return self

    def ends(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Each end that is named, with its path inside the selector as the file spells it."""
        for index, end in enumerate(self.between or ()):
            yield ("between", index), end
        if self.from_ is not None:
            yield ("from",), self.from_
        if self.to is not None:
            yield ("to",), self.to


def _named_link(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


Links = Annotated[LinkSelector, BeforeValidator(_named_link)]


class Target(Settings):
    """What a fault strikes: a provider, the services of a role (of one provider, if it is said), a service, or links."""

    provider: str | None = Field(
        default=None,
        description="A provider's name, or one of: "
        + "; ".join(f"{word}, {says}" for word, says in PROVIDER_WORDS.items())
        + ".",
        examples=["primary", "alpha"],
    )
    role: str | None = Field(
        default=None,
        description="All services of this role; with `provider`, only those of that provider.",
        examples=["gateway"],
    )
    service: str | None = Field(
        default=None,
        description="A service's name, or one of: "
        + "; ".join(f"{word}, {says}" for word, says in SERVICE_WORDS.items())
        + ".",
        examples=["engine-alpha", "primary"],
    )
    link: Links | None = Field(
        default=None,
        description="Links, by their ends or by name.",
        examples=[{"between": ["primary", "standbys"]}],
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Target:
        named = frozenset(
            key for key in ("provider", "role", "service", "link") if getattr(self, key) is not None
        )
        if not named:
            raise ValueError("name a target: `provider`, `role`, `service` or `link`")
        if len(named) > 1 and named != {"provider", "role"}:
            keys = " and ".join(f"`{key}`" for key in sorted(named))
            raise ValueError(
                f"{keys} don't go together: name one of them (only `provider` and `role` combine)"
            )
        return self

    def words(self) -> Iterator[str]:
        """Every name or word that the target uses, of whatever kind."""
        yield from (word for word in (self.provider, self.role, self.service) if word is not None)
        if self.link is not None:
            yield from (end for _, end in self.link.ends())

    def __str__(self) -> str:
        if self.link is not None:
            return (
                f"link {self.link.name}"
                if self.link.name
                else "links " + " - ".join(end for _, end in self.link.ends())
            )
        if self.service is not None:
            return f"service {self.service}"
        if self.role is not None:
            return f"{self.role} of {self.provider}" if self.provider else f"role {self.role}"
        return f"provider {self.provider}"
