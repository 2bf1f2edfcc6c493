"""What must always hold, whatever happens, and what is said when it does not."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec


class Rule(StrEnum):
    """Numbers are those of the domain's predicates on order integrity."""

    RECOVERABLE = (
        "recoverable"  # O2: whichever majority elects, its greatest log holds all that was committed
    )
    ONCE = "once"  # O1: no command is committed more often than clients sent it
    SENT = "sent"  # O3: what is committed was sent by a client, or opens an epoch
    ANSWERED = (
        "answered"  # O15: what reached a process that lives is acknowledged or referred in bounded time
    )
    KEPT = "kept"  # O2: after healing every replica holds all that was acknowledged
    PREFIX = "prefix"  # O10: committed prefixes agree
    ONE_COMMITTER = "one-committer"  # O12: one leader commits in an epoch
    FENCE = "fence"  # O12: nothing below a promise is accepted, and no promise falls
    FRESH_READS = "fresh-reads"  # a read shows what was acknowledged before it was asked
    PROGRESS = (
        "progress"  # a majority of voters that is healed commits within the bound; all three, and they agree
    )
    NO_NEEDLESS_FAILOVER = "no-needless-failover"  # no other primary without a reason
    AUTHENTIC = "authentic"  # no frame is accepted but from who sent it, once, on its own connection
    BOUNDED = "bounded"  # a schedule ends within its bound on events


EVERY_RULE: Final = frozenset(Rule)


class Happening(msgspec.Struct, frozen=True):
    """One event told by a node, or one fault."""

    at_ns: int
    node: str
    kind: str
    fields: dict[str, str | int]


class Finding(msgspec.Struct, frozen=True):
    """A rule that was broken: when, by whom, how, and the last events that led there."""

    rule: Rule
    at_ns: int
    nodes: tuple[str, ...]
    summary: str
    events: tuple[Happening, ...]


class Violation(Exception):
    """Something that must always hold did not."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(f"{finding.rule} at {finding.at_ns / 1e6:.3f} ms: {finding.summary}")
        self.finding = finding
