"""What a venue tells a client, as JSON: gateways pass these bytes on without reading them.

The shape is that of the harness's replies (an `outcome` of `ok` or `fail`), so that one decoding at the
client is the only one.
"""

from __future__ import annotations

from typing import Final

import msgspec


class OrderReport(msgspec.Struct, frozen=True, gc=False):
    """The state of one order. `sequence` is the index of the journal entry that decided it, `epoch` its epoch.

    `exec_ids` are those of its fills. An id that `resolve` closed has no order id and `never_received`.
    """

    order_id: str
    state: str
    cum_quantity: int
    leaves_quantity: int
    sequence: int
    epoch: int
    exec_ids: list[str]
    never_received: bool = False
    reason: str = ""


class Ok(msgspec.Struct, frozen=True, gc=False, tag="ok", tag_field="outcome"):
    """It took effect, or was read; a read of an id that the venue doesn't know has no `order`."""

    order: OrderReport | None = None


class Fail(msgspec.Struct, frozen=True, gc=False, tag="fail", tag_field="outcome"):
    """The venue decided that it does not take effect and never will."""

    code: str
    reason: str = ""
    order: OrderReport | None = None


encode: Final = msgspec.json.Encoder().encode
OK: Final = encode(Ok())
