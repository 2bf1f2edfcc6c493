"""Whether what was asked for is what is: a fault that was not applied, or not healed, must never go unnoticed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from harness.wan.changes import Disable, Enable, LinkChange, PutToxic, RemoveToxic
from harness.wan.errors import WanNotApplied
from harness.wan.messages import ProxyView, ToxicView
from harness.wan.toxics.registry import type_of

T = TypeVar("T")


def verify(changes: Sequence[LinkChange], state: Mapping[str, ProxyView]) -> None:
    """Compare what was asked for last, of each toxic and each switch, with what is."""
    toxics: dict[tuple[str, str], PutToxic | None] = {}
    enabled: dict[str, bool] = {}
    for change in changes:
        if isinstance(change, PutToxic):
            toxics[change.link, change.name] = change
        elif isinstance(change, RemoveToxic):
            toxics[change.link, change.name] = None
        elif isinstance(change, Enable | Disable):
            enabled[change.link] = isinstance(change, Enable)
    for link, wanted in enabled.items():
        if known(state, link).enabled is not wanted:
            raise WanNotApplied(f"link {link!r} should be {'enabled' if wanted else 'disabled'}, and is not")
    for (link, name), toxic in toxics.items():
        found = next((view for view in known(state, link).toxics if view.name == name), None)
        if not _matches(toxic, found):
            raise WanNotApplied(
                f"toxic {name!r} of link {link!r} should be {toxic}, and reads back as {found}"
            )


def _matches(wanted: PutToxic | None, found: ToxicView | None) -> bool:
    if wanted is None or found is None:
        return wanted is None and found is None
    kind = type_of(wanted.settings)
    return (
        (found.type, found.stream) == (kind.name, wanted.stream)
        and math.isclose(found.toxicity, wanted.toxicity, rel_tol=1e-6)  # Toxiproxy keeps it in 32 bits
        and msgspec.json.decode(found.attributes, type=kind.settings) == wanted.settings
    )


def known(state: Mapping[str, T], name: str) -> T:
    """The entry of a link.

    Raises:
        WanNotApplied: There is no such link.
    """
    if name not in state:
        raise WanNotApplied(
            f"the fault proxy has no link {name!r}; it has {', '.join(sorted(state)) or 'none'}"
        )
    return state[name]
