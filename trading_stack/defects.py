"""Planted mistakes, off unless `TRADING_STACK_DEFECT` names them (comma separated).

Each is one small, marked deviation in the code of its owner, there so that the harness can prove that it catches it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

VARIABLE: Final = "TRADING_STACK_DEFECT"
LOST_FSYNC_NS: Final = 250_000_000
"""How long after it was said to be durable a write of the planted `lost-fsync` is made."""


class Defect(StrEnum):
    """The mistakes that this stack can be told to make."""

    # protocol
    ACKNOWLEDGE_BEFORE_REPLICATION = "acknowledge-before-replication"
    NO_FENCING = "no-fencing"
    CANDIDATE_BY_LOG_LENGTH = "candidate-by-log-length"
    PROMISE_NOT_DURABLE = "promise-not-durable"
    OLDER_EPOCH_COMMITTED = "older-epoch-committed"
    WIPED_REPLICA_VOTES = "wiped-replica-votes"
    SNAPSHOT_FORGETS_PROMISE = "snapshot-forgets-promise"
    LOST_FSYNC = "lost-fsync"
    SPLIT_BRAIN_LOCAL_VOTE = "split-brain-local-vote"
    NAIVE_TIMEOUT = "naive-timeout"
    REPLAY_ACCEPTED = "replay-accepted"
    UNAUTHENTICATED_HEARTBEAT = "unauthenticated-heartbeat"
    # orders
    NO_IDEMPOTENCY = "no-idempotency"
    SNAPSHOT_WITHOUT_ID_TABLE = "snapshot-without-id-table"
    THAWED_GATEWAY_FORWARDS = "thawed-gateway-forwards"
    THAWED_PRIMARY_ANSWERS = "thawed-primary-answers"
    FORGOTTEN_CANCEL_ON_REPLAY = "forgotten-cancel-on-replay"
    FILL_APPLIED_TWICE = "fill-applied-twice"
    RESTING_ORDER_LOSES_PRIORITY = "resting-order-loses-priority"
    WALL_CLOCK_IN_APPLY = "wall-clock-in-apply"
    SET_ORDER_IN_APPLY = "set-order-in-apply"
    LOCAL_MARK_IN_APPLY = "local-mark-in-apply"
    FOK_FILLS_PARTLY = "fok-fills-partly"
    # pricing
    STALE_SURFACE = "stale-surface"
    FLOAT_DRIFT = "float-drift"
    WRONG_DAY_COUNT = "wrong-day-count"
    LOCAL_VALUATION_CLOCK = "local-valuation-clock"
    IDENTICAL_TICKS_REFRESH = "identical-ticks-refresh"
    CONSTITUENT_NOT_EXCLUDED = "constituent-not-excluded"
    MARKS_BEFORE_FRESH_INPUTS = "marks-before-fresh-inputs"
    PUT_PRICE_OFFSET = "put-price-offset"


def active(environ: Mapping[str, str]) -> frozenset[Defect]:
    """The mistakes that the environment asks for; raises `ValueError` on a name that is none."""
    asked = [name.strip() for name in environ.get(VARIABLE, "").split(",") if name.strip()]
    unknown = [name for name in asked if name not in set(Defect)]
    if unknown:
        raise ValueError(f"{VARIABLE}: no defect {unknown[0]!r}; known are {', '.join(sorted(Defect))}")
    return frozenset(Defect(name) for name in asked)
