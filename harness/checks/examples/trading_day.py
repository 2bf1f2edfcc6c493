"""What happens in the hand-written history, as tables of facts. Every number was worked out by hand.

Three replicas, two makers and a taker on one perpetual. The primary of epoch 1 (alpha) is lost after entry 5; bravo leads
epoch 2.
"""

from __future__ import annotations

from typing import Final

from harness.checks.examples.history import INSTRUMENT, Row

TERMS: Final[Row] = {"instrument": INSTRUMENT, "kind": "perpetual", "tick": 1, "contract_value": 1}
"""A contract is worth 1e-8 USD, so that a fill of q pays 1e8 q (1/p0 - 1/p) in 1e-8 coin, with p in 1e-8 USD."""

LOG: Final = (
    (1, 1, "epoch", None, None, None, None, None),
    (2, 1, "new", "mia", "m1", "sell", 5, 100),
    (3, 1, "new", "noa", "n1", "sell", 5, 100),
    (4, 1, "mark", None, None, None, None, None),
    (5, 1, "new", "tom", "t1", "buy", 7, 101),
    (6, 2, "epoch", None, None, None, None, None),
    (7, 2, "mark", None, None, None, None, None),
    (8, 2, "cancel", "noa", "n1", None, None, None),
    (9, 2, "new", "mia", "m2", "buy", 4, 99),
    (10, 2, "new", "noa", "n2", "buy", 3, 99),
    (11, 2, "new", "tom", "t2", "sell", 5, 90),
    (12, 2, "resolve", "tom", "t3", None, None, None),
    (13, 2, "new", "mia", "m3", "buy", 2, 99),
    (14, 2, "new", "tom", "t4", "buy", 1, 7),
)
REFUSED: Final = {"t4": "price_band"}
"""What its gateway said of an order: 7 is too far from the mark."""

# index, ordinal, type, account, client order id, filled, left, this fill, its price, the other order, fee, cash
STEPS: Final = (
    (2, 0, "accepted", "mia", "m1", 0, 5, 0, None, None, 0, 0),
    (3, 0, "accepted", "noa", "n1", 0, 5, 0, None, None, 0, 0),
    (5, 0, "accepted", "tom", "t1", 0, 7, 0, None, None, 0, 0),
    (5, 1, "filled", "mia", "m1", 5, 0, 5, 100, "O5", 0, 0),
    (5, 2, "filled", "tom", "t1", 5, 2, 5, 100, "O2", 2, 0),
    (5, 3, "filled", "noa", "n1", 2, 3, 2, 100, "O5", 0, 0),
    (5, 4, "filled", "tom", "t1", 7, 0, 2, 100, "O3", 1, 0),
    (8, 0, "cancelled", "noa", "n1", 2, 0, 0, None, None, 0, 0),
    (9, 0, "accepted", "mia", "m2", 0, 4, 0, None, None, 0, 0),
    (10, 0, "accepted", "noa", "n2", 0, 3, 0, None, None, 0, 0),
    (11, 0, "accepted", "tom", "t2", 0, 5, 0, None, None, 0, 0),
    (11, 1, "filled", "mia", "m2", 4, 0, 4, 99, "O11", 0, 40_404),
    (11, 2, "filled", "tom", "t2", 4, 1, 4, 99, "O9", 1, -40_404),
    (11, 3, "filled", "noa", "n2", 1, 2, 1, 99, "O11", 0, 10_101),
    (11, 4, "filled", "tom", "t2", 5, 0, 1, 99, "O10", 1, -10_101),
    (12, 0, "closed", "tom", "t3", 0, 0, 0, None, None, 0, 0),
    (13, 0, "accepted", "mia", "m3", 0, 2, 0, None, None, 0, 0),
    (14, 0, "rejected", "tom", "t4", 0, 0, 0, None, None, 0, 0),
)

# client order id, state, filled, left, priority
BOOK: Final = (
    ("m1", "filled", 5, 0, None),
    ("n1", "cancelled", 2, 0, None),
    ("t1", "filled", 7, 0, None),
    ("m2", "filled", 4, 0, None),
    ("n2", "open", 1, 2, 10),
    ("t2", "filled", 5, 0, None),
    ("m3", "open", 0, 2, 13),
    ("t4", "rejected", 0, 0, None),
)
POSITIONS: Final = {"mia": -1, "noa": -1, "tom": 2}
COIN: Final = {"mia": 40_404, "noa": 10_101, "tom": -50_510, "house": 5}


def orders_sent() -> dict[str, Row]:
    """The orders of the log by client order id, with what their clients sent."""
    return {
        coid: {
            "account": account,
            "client_order_id": coid,
            "instrument": INSTRUMENT,
            "side": side,
            "quantity": quantity,
            "price": price,
        }
        for _, _, kind, account, coid, side, quantity, price in LOG
        if kind == "new" and coid is not None
    }


def order_id_of(coid: str) -> str:
    """Orders are named after the entry that accepted them."""
    return next(f"O{index}" for index, _, kind, _, one, *_ in LOG if kind == "new" and one == coid)
