"""A long seeded stream of commands over several books, for replays and benchmarks."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from trading_stack.instruments import SCALE
from trading_stack.venue import commands
from trading_stack.venue.commands import Cancel, Marks, New, Resolve

_BOOKS = (
    ("BTC-PERPETUAL", 50_000 * SCALE, SCALE // 2),
    ("ETH-PERPETUAL", 2_500 * SCALE, SCALE // 20),
    ("BTC-30JAN26-50000-C", SCALE // 20, SCALE // 2000),
)


def order_stream(count: int, *, seed: int) -> Iterator[bytes]:
    """Makers, takers, cancels, copies, marks, a promotion each 500 commands, now and then a resolve."""
    random = Random(seed)
    sent: list[New] = []
    for number in range(count):
        draw = random.random()
        if number % 500 == 0:
            yield commands.epoch(1 + number // 500, random.choice(("alpha", "bravo")))
        elif number % 40 == 0:
            yield commands.encode(Marks({name: price for name, price, _ in _BOOKS}, number, 0, number))
        elif draw < 0.65 or not sent:
            sent.append(_order(random, number))
            yield commands.encode(sent[-1])
        elif draw < 0.95:
            order = random.choice(sent[-200:])
            yield commands.encode(Cancel(order.account, order.client_order_id, f"request-{number}"))
        elif draw < 0.98:
            yield commands.encode(random.choice(sent[-50:]))
        else:
            yield commands.encode(Resolve("ann", f"lost-{number % 7}"))


def _order(random: Random, number: int) -> New:
    instrument, middle, tick = random.choice(_BOOKS)
    side = random.choice(("buy", "sell"))
    away = random.randint(-3, 12)
    price = middle + (-away if side == "buy" else away) * tick
    force = random.choice(("gtc",) * 6 + ("ioc", "fok", "post_only"))
    account = f"account-{random.randrange(8)}"
    return New(account, f"c{number}", instrument, side, random.randint(1, 20), "limit", price, force)  # type: ignore[arg-type]
