"""Random commands against the naive venue, with double entry and restored snapshots at every turn."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from naive_venue import TICKS, NaiveOrder, NaiveVenue, open_value
from venue_steps import Steps, new, replay

from trading_stack.venue.machine import Venue
from trading_stack.venue.queries import AccountQuery, BookQuery, OrderQuery

ACCOUNTS = ("ann", "bob", "cat")
INSTRUMENTS = tuple(TICKS)
MIDDLES = {"BTC-PERPETUAL": 100_000, "ETH-PERPETUAL": 50_000, "BTC-30JAN26-50000-C": 100}

accounts = st.sampled_from(ACCOUNTS)
ids = st.integers(min_value=0, max_value=30).map(str)
orders = st.fixed_dictionaries(
    {
        "instrument": st.sampled_from((INSTRUMENTS[0],) * 7 + (*INSTRUMENTS, "DOGE")),
        "side": st.sampled_from(("buy", "sell")),
        "quantity": st.sampled_from((1, 2, 3, 5, 8, 0)),
        "type_": st.sampled_from(("limit", "limit", "limit", "market")),
        "away": st.sampled_from((0, 0, 1, -1, 2, -2, None)),
        "off_tick": st.sampled_from((0,) * 12 + (1,)),
        "force": st.sampled_from(("gtc", "gtc", "gtc", "ioc", "fok", "post_only")),
    }
)


class VenueAgainstNaiveModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.steps = Steps()
        self.naive = NaiveVenue()

    @rule(account=accounts, id_=ids, order=orders)
    def send(self, account: str, id_: str, order: dict[str, object]) -> None:
        self._send(account, id_, order)

    @rule(order_of=st.lists(st.tuples(accounts, orders), min_size=1, max_size=4))
    def send_some(self, order_of: list[tuple[str, dict[str, object]]]) -> None:
        for account, order in order_of:
            self._send(account, f"fresh-{len(self.steps.log)}", order)

    @rule(account=accounts, back=st.integers(min_value=1, max_value=12))
    def cancel_a_fresh_one(self, account: str, back: int) -> None:
        self.cancel(account, f"fresh-{len(self.steps.log) - back}")

    def _send(self, account: str, id_: str, order: dict[str, object]) -> None:
        instrument = str(order["instrument"])
        away = order["away"]
        tick = TICKS.get(instrument, 1)
        price = (
            None
            if away is None
            else (MIDDLES.get(instrument, 100) + int(str(away))) * tick + int(str(order["off_tick"]))
        )
        quantity = int(str(order["quantity"]))
        command = new(
            account,
            id_,
            order["side"],
            quantity,
            price,
            instrument=instrument,
            type_=order["type_"],
            force=order["force"],
        )
        number = len(self.steps.log) + 1
        word = self.naive.new(
            NaiveOrder(
                number,
                account,
                id_,
                instrument,
                str(order["side"]),
                quantity,
                str(order["type_"]),
                price,
                str(order["force"]),
            )
        )
        reply = self.steps.do(command)
        if word == "again":
            known = self.naive.find(account, id_)
            assert known is not None
            assert (reply.get("order") or {}).get("order_id") == f"O{known.number}"
        else:
            assert reply.get("code", reply["outcome"]) == word

    @rule(account=accounts, id_=ids)
    def cancel(self, account: str, id_: str) -> None:
        word = self.naive.cancel(account, id_)
        reply = self.steps.cancel(account, id_)
        assert reply.get("code", reply["outcome"]) == word

    @rule(account=accounts, id_=ids)
    def resolve(self, account: str, id_: str) -> None:
        assert self.steps.resolve(account, id_)["outcome"] == self.naive.resolve(account, id_)

    @rule()
    def promote(self) -> None:
        self.steps.lead(self.steps.epoch + 1)

    @rule()
    def restore(self) -> None:
        snapshot = self.steps.venue.snapshot()
        restored = Venue.restore(snapshot, defects=frozenset())
        assert restored.digest() == self.steps.venue.digest()
        assert restored.snapshot() == snapshot
        assert restored.dump() == self.steps.venue.dump()
        self.steps.venue = restored

    @invariant()
    def every_order_is_the_same(self) -> None:
        dumped = {row.order_id: row for row in self.steps.venue.dump().orders}
        assert len(dumped) == len(self.naive.orders)
        for order in self.naive.orders:
            row = dumped[f"O{order.number}"]
            assert (row.state, row.cum_quantity, row.leaves_quantity) == (
                order.state,
                order.cum,
                order.leaves,
            )
            report = self.steps.ask(OrderQuery(order.account, order.id))["order"]
            assert report["state"] == order.state

    @invariant()
    def books_are_the_same_and_never_crossed(self) -> None:
        rows = self.steps.venue.dump().orders
        for instrument in INSTRUMENTS:
            book = self.steps.ask(BookQuery(instrument, 100))
            for side, levels in (("buy", book["bids"]), ("sell", book["asks"])):
                queue = self.naive.queue(instrument, side)
                expected: list[list[int]] = []
                for order in queue:
                    if not expected or expected[-1][0] != order.price:
                        expected.append([order.price or 0, 0, 0])
                    expected[-1][1] += order.leaves
                    expected[-1][2] += 1
                assert levels == expected
                resting = [
                    row for row in rows if (row.instrument, row.side, row.state) == (instrument, side, "open")
                ]
                sign = -1 if side == "buy" else 1
                resting.sort(key=lambda row: (sign * (row.price or 0), row.priority or 0))
                assert [row.order_id for row in resting] == [f"O{order.number}" for order in queue]
            if book["bids"] and book["asks"]:
                assert book["bids"][0][0] < book["asks"][0][0]

    @invariant()
    def trades_are_the_same_and_have_two_legs(self) -> None:
        fills = [row for row in self.steps.venue.dump().executions if row.type == "filled"]
        legs = list(zip(fills[::2], fills[1::2], strict=True))
        assert [
            (int(maker.order_id[1:]), int(taker.order_id[1:]), maker.last_quantity, maker.last_price)
            for maker, taker in legs
        ] == self.naive.trades
        for maker, taker in legs:
            assert (maker.last_quantity, maker.last_price) == (taker.last_quantity, taker.last_price)
            assert {maker.side, taker.side} == {"buy", "sell"}
        ids = [row.exec_id for row in self.steps.venue.dump().executions]
        assert len(ids) == len(set(ids))

    @invariant()
    def double_entry_holds_exactly(self) -> None:
        dump = self.steps.venue.dump()
        assert sum(row.amount for row in dump.balances if row.instrument is None) == 0
        booked = dict.fromkeys((*ACCOUNTS, "house"), 0)
        for row in dump.executions:
            booked[row.account] += row.cash - row.fee
        for balance in dump.balances:
            if balance.instrument is not None:
                assert balance.amount == self.naive.position(balance.account, balance.instrument)
            elif balance.account != "house":
                assert balance.amount == booked[balance.account]

    @invariant()
    def profits_and_open_values_are_the_cash_flows_up_to_rounding(self) -> None:
        """Per account over both perpetuals: realised + opened = sum of signed q/p, within half a unit a step."""
        fills = [row for row in self.steps.venue.dump().executions if row.type == "filled"]
        for account in ACCOUNTS:
            for instrument in ("BTC-PERPETUAL", "ETH-PERPETUAL"):
                own = [row for row in fills if (row.account, row.instrument) == (account, instrument)]
                signed = [
                    (row.last_quantity if row.side == "buy" else -row.last_quantity, row.last_price or 1)
                    for row in own
                ]
                lots = _open_lots(signed)
                realised = sum(row.cash for row in own)
                error = realised + open_value(lots) - open_value(signed)
                assert abs(error) <= Fraction(2 * len(own) + 1, 2)

    @invariant()
    def account_reports_add_up(self) -> None:
        for account in ACCOUNTS:
            report = self.steps.ask(AccountQuery(account))
            totals: dict[str, int] = {}
            for fill in report["fills"]:
                signed = fill["quantity"] if fill["side"] == "buy" else -fill["quantity"]
                totals[fill["instrument"]] = totals.get(fill["instrument"], 0) + signed
            assert report["positions"] == {name: total for name, total in totals.items() if total}

    def teardown(self) -> None:
        assert replay(self.steps.log).digest() == self.steps.venue.digest()
        assert self.steps.coin() == 0


def _open_lots(trades: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """What is open after some trades, contract by contract, first in, first out."""
    units: list[tuple[int, int]] = []
    for contracts, price in trades:
        sign = 1 if contracts > 0 else -1
        for _ in range(abs(contracts)):
            if units and units[0][0] == -sign:
                units.pop(0)
            else:
                units.append((sign, price))
    return units


VenueAgainstNaiveModel.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestVenueAgainstNaiveModel = VenueAgainstNaiveModel.TestCase
