"""The readings of replicas: which there are, and how far each had come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.checks.view import View


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of one replica: `code` is its number in `View.reading`, `read` counts the node's readings from 1.

    The indexes are those of log entries, as the replica told them; `read_ns` is on the run's clock. `last` says that the
    node was not read again after it.
    """

    code: int
    node: str
    read: int
    commit_index: int
    applied_index: int
    first_index: int
    read_ns: int
    last: bool


def readings(view: View) -> tuple[Reading, ...]:
    """All readings, by node and number; empty when no replica was read."""
    codes = view.reading("replicas")
    columns = {
        name: view.ints("replicas", name)
        for name in ("read", "commit_index", "applied_index", "first_index", "read_ns")
    }
    nodes = view.codes("replicas", "node")
    latest = {int(node): int(columns["read"][nodes == node].max()) for node in np.unique(nodes)}
    return tuple(
        sorted(
            (
                Reading(
                    code=int(codes[row]),
                    node=view.text("node", int(nodes[row])),
                    last=int(columns["read"][row]) == latest[int(nodes[row])],
                    **{name: int(column[row]) for name, column in columns.items()},
                )
                for row in range(len(codes))
            ),
            key=lambda reading: (reading.node, reading.read),
        )
    )
