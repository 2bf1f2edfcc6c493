"""A run made of the reference venue alone: commands drawn from a seed, applied, and told as a drop copy tells them."""

from __future__ import annotations

import random
from collections.abc import Iterable

import msgspec

from harness.checks.examples.history import meta
from harness.history.journal import Journal
from harness.history.run import Run
from harness.history.tables import (
    account_tables,
    instruments_table,
    operations_table,
    quotes_table,
    replica_tables,
)
from harness.model.events import Collected
from harness.model.replica import Balance, Execution, FinalOrder, LogEntry, ReplicaDump
from trading_stack.adapter import TradingStack
from trading_stack.defects import Defect
from trading_stack.venue import commands
from trading_stack.venue.commands import Cancel, Command, New, Resolve
from trading_stack.venue.machine import Venue

INSTRUMENTS = {row.name: row for row in TradingStack().market()}
_TRADED = ("BTC-PERPETUAL", "BTC-27MAR26", "BTC-30JAN26-50000-C", "DOGE-PERPETUAL")
_ACCOUNTS = ("ann", "ben", "cay", "house")


def commands_of(seed: int, count: int) -> list[Command]:
    """Commands of all sorts, many of them such that they must be refused."""
    draw = random.Random(seed)
    return [_command(draw, number) for number in range(count)]


def run_of(told: Iterable[Command], *defects: Defect) -> Run:
    """What three equal replicas of a venue leave that applied these commands."""
    venue, entries = Venue(defects=frozenset(defects)), []
    for index, command in enumerate(told, start=1):
        data = commands.encode(command)
        venue.apply(index, 1, index * 1_000, data)
        said = {
            "index": index,
            "epoch": 1,
            "hash": f"{index:x}",
            "time_ns": index * 1_000,
            **commands.describe(data),
        }
        entries.append(msgspec.convert(said, LogEntry))
    dump = venue.dump()
    replicas = [
        ReplicaDump(
            node=f"engine-{name}",
            provider=name,
            store_incarnation=name,
            role="primary" if name == "alpha" else "standby",
            epoch=1,
            promised_epoch=1,
            commit_index=len(entries),
            applied_index=len(entries),
            first_index=1,
            digest=venue.digest(),
            read_mono_ns=10**9,
            entries=entries,
            executions=msgspec.convert(msgspec.to_builtins(dump.executions), list[Execution]),
            orders=msgspec.convert(msgspec.to_builtins(dump.orders), list[FinalOrder]),
            balances=msgspec.convert(msgspec.to_builtins(dump.balances), list[Balance]),
        )
        for name in ("alpha", "bravo", "charlie")
    ]
    tables = {
        **replica_tables(replicas, origin_mono_ns=0),
        **account_tables([]),
        "operations": operations_table([], origin_mono_ns=0),
        "quotes": quotes_table([], origin_mono_ns=0),
        "instruments": instruments_table(INSTRUMENTS.values()),
    }
    return Run(
        meta(), Journal((Collected(at_ns=2 * 10**9, replicas=3, quotes=0, accounts=0),)), tables=tables
    )


def _command(draw: random.Random, number: int) -> Command:
    account = draw.choice(_ACCOUNTS[:3]) if draw.random() < 0.98 else "house"
    id_ = f"c{draw.randrange(number + 1) if draw.random() < 0.05 else number}"
    kind = draw.random()
    if kind < 0.15:
        return Cancel(account, f"c{draw.randrange(number + 1)}", f"r{number}")
    if kind < 0.2:
        return Resolve(account, f"c{draw.randrange(number + 9)}")
    instrument = draw.choice(_TRADED) if draw.random() < 0.4 else _TRADED[0]
    market = draw.random() < 0.1
    return New(
        account,
        id_,
        instrument,
        draw.choice(("buy", "sell")),
        draw.choice((0, -3, 10**9 + 1)) if draw.random() < 0.03 else draw.randint(1, 40),
        "market" if market else "limit",
        None if draw.random() < (0.9 if market else 0.02) else _price(draw, instrument),
        draw.choices(("gtc", "ioc", "fok", "post_only"), (5, 2, 2, 2))[0],
        draw.choices(("", "price_band", "no_fresh_price"), (30, 1, 1))[0],
    )


def _price(draw: random.Random, instrument: str) -> int:
    terms = INSTRUMENTS.get(instrument, INSTRUMENTS["BTC-PERPETUAL"])
    price = terms.reference_price + draw.randint(-6, 6) * terms.tick
    return draw.choice((0, -price, price + 1, 10**16 + terms.tick)) if draw.random() < 0.04 else price
