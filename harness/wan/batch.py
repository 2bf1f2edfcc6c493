"""Many changes in one step: checked first, then applied without anything in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import assert_never

from harness.wan.collection import Proxies, new_toxic, proxy_view
from harness.wan.connection import Toxic
from harness.wan.messages import (
    BatchAnswer,
    DisableOp,
    EnableOp,
    Op,
    OpFailure,
    PutToxicOp,
    RemoveToxicOp,
    SeverOp,
)
from harness.wan.proxy import Proxy


def apply_batch(proxies: Proxies, ops: Sequence[Op]) -> BatchAnswer:
    """Apply changes in their order.

    Each is idempotent. What the system refuses (a port that is taken) is a failure of that change alone.

    Raises:
        ApiError: A change names what doesn't exist or can't be read; nothing was changed.
    """
    steps = [_step(proxies, op) for op in ops]
    failures = []
    first_ns = time.monotonic_ns()
    for index, step in enumerate(steps):
        try:
            step()
        except OSError as error:
            failures.append(OpFailure(index, error.strerror or str(error)))
    last_ns = time.monotonic_ns()
    touched = {op.proxy: proxy_view(proxies.get(op.proxy)) for op in ops}
    return BatchAnswer(first_ns=first_ns, last_ns=last_ns, failures=tuple(failures), proxies=touched)


def _step(proxies: Proxies, op: Op) -> Callable[[], object]:
    proxy = proxies.get(op.proxy)
    match op:
        case PutToxicOp():
            return partial(_put, proxy, new_toxic(op.toxic))
        case RemoveToxicOp():
            return partial(_remove, proxy, op.name)
        case EnableOp():
            return proxy.start
        case DisableOp():
            return proxy.stop
        case SeverOp():
            return proxy.sever
    assert_never(op)


def _put(proxy: Proxy, wanted: Toxic) -> None:
    existing = proxy.toxic(wanted.name)
    if existing is not None and (existing.kind, existing.stream) == (wanted.kind, wanted.stream):
        proxy.change(existing, settings=wanted.settings, toxicity=wanted.toxicity)
        return
    if existing is not None:
        proxy.remove(existing)
    proxy.add(wanted)


def _remove(proxy: Proxy, name: str) -> None:
    toxic = proxy.toxic(name)
    if toxic is not None:
        proxy.remove(toxic)
