"""The pricing model: bit-equal for equal ticks, sensitive to every input, and wrong on request."""

from __future__ import annotations

import dataclasses
import random

import msgspec
import numpy as np
import pytest
from market_world import FIRST, MARKETS, SOURCES, hear_tick, history, priced, warmed_feed

from trading_stack.defects import Defect
from trading_stack.instruments import INSTRUMENTS, MARKET_EPOCH_NS, SCALE
from trading_stack.market.basis_window import WINDOW, Sums
from trading_stack.market.black76 import implied_volatility
from trading_stack.market.merge import LAG_LIMIT
from trading_stack.market.messages import Frame, Live, SurfaceTick
from trading_stack.market.pricer import LEAST_SAMPLES, Pricer
from trading_stack.market.robust_index import robust_index
from trading_stack.market.valuation import Valuation, inputs_hash

LIVE_TICKS = range(FIRST + 1, FIRST + 61)


def run(seed: int | None = None, *, pricer: Pricer | None = None) -> dict[int, Valuation]:
    """The valuations of one provider over some seconds; `seed` draws how the sources' streams are mixed."""
    feed, pricer = warmed_feed(FIRST), pricer or Pricer()
    valuations = list(priced(pricer, feed.news(0)))
    rest = {source: list(LIVE_TICKS) for source in SOURCES}
    draw = random.Random(seed)
    while rest:
        behind = min(ticks[0] for ticks in rest.values())
        ready = [
            name for name, ticks in rest.items() if ticks[0] < behind + (1 if seed is None else LAG_LIMIT)
        ]
        source = ready[0] if seed is None else draw.choice(ready)
        hear_tick(feed, source, rest[source].pop(0), 0)
        if not rest[source]:
            del rest[source]
        valuations += priced(pricer, feed.news(0))
    return {valuation.source_sequence: valuation for valuation in valuations}


def newest(last: int = FIRST) -> tuple[Frame, SurfaceTick]:
    feed = warmed_feed(last)
    feed.news(0)
    (live,) = feed.repeat(0)
    assert isinstance(live, Live)
    assert live.surface is not None
    return live.frames[-1], live.surface


@pytest.fixture(scope="module")
def reference() -> dict[int, Valuation]:
    return run()


def test_every_tick_is_valued_once(reference: dict[int, Valuation]) -> None:
    assert list(reference) == [FIRST, *LIVE_TICKS]
    assert all([mark.instrument for mark in value.marks] == list(INSTRUMENTS) for value in reference.values())
    assert len({value.inputs_hash for value in reference.values()}) == len(reference)


@pytest.mark.parametrize("seed", range(4))
def test_other_interleavings_give_bit_equal_marks(reference: dict[int, Valuation], seed: int) -> None:
    mixed = run(seed)
    assert len(mixed) > 30  # several frames that become complete at once are valued once
    for sequence, valuation in mixed.items():
        assert valuation.inputs_hash == reference[sequence].inputs_hash
        assert valuation.marks == reference[sequence].marks


def test_a_restarted_provider_agrees_again(reference: dict[int, Valuation]) -> None:
    last = LIVE_TICKS[-1]
    (fresh,) = priced(Pricer(), warmed_feed(last).news(0))
    assert fresh.inputs_hash == reference[last].inputs_hash
    assert fresh.marks == reference[last].marks


def test_a_late_source_is_made_up_for() -> None:
    """While a source is unheard the hash differs; once its ticks came, everything agrees again."""
    feed, pricer = warmed_feed(FIRST, sources=("one", "two")), Pricer()
    (partial,) = priced(pricer, feed.news(0))
    (whole,) = priced(Pricer(), warmed_feed(FIRST).news(0))
    assert partial.inputs_hash != whole.inputs_hash
    feed.hear("three", history("three", FIRST - 759, FIRST), 0)
    list(priced(pricer, feed.news(0)))
    (later,) = priced(pricer, feed.repeat(0))
    assert (later.inputs_hash, later.marks) == (whole.inputs_hash, whole.marks)


def test_marks_follow_the_formulas(reference: dict[int, Valuation]) -> None:
    frame, surface = newest()
    marks = {mark.instrument: mark for mark in reference[FIRST].marks}
    index = robust_index(price for name, price in frame.constituents.items() if name.startswith("BTC."))
    perpetual = marks["BTC-PERPETUAL"]
    assert index is not None
    assert perpetual.index == index / SCALE
    assert perpetual.basis is not None
    assert perpetual.mark == perpetual.index + perpetual.basis
    samples = []
    for sequence in range(FIRST - WINDOW + 1, FIRST + 1):
        told = [MARKETS[source].prices(sequence) for source in SOURCES]
        prices = [
            tick.constituents[name] for tick in told for name in tick.constituents if name.startswith("BTC.")
        ]
        samples.append(told[0].mids["BTC-PERPETUAL"] - (robust_index(prices) or 0))
    assert perpetual.basis == pytest.approx(sum(samples) / len(samples) / SCALE, abs=0.5e-8)
    call, put = marks["BTC-30JAN26-50000-C"], marks["BTC-30JAN26-50000-P"]
    assert call.forward == marks["BTC-30JAN26"].mark
    assert call.strike == 50_000.0
    assert call.mark - put.mark == pytest.approx(1 - 50_000.0 / (call.forward or 0), abs=1e-15)
    near = surface.surface.theta(np.array([call.expiry_years]))
    variance = surface.surface.total_variance(np.log(np.array([call.strike]) / call.forward), near)
    assert call.volatility == pytest.approx(float(np.sqrt(variance[0] / call.expiry_years)), rel=1e-14)


def test_time_comes_from_the_source(reference: dict[int, Valuation]) -> None:
    asked = []
    run(pricer=Pricer(market_time_ns=lambda: asked.append(1) or 0))  # type: ignore[func-returns-value]
    assert asked == []
    assert reference[FIRST].valuation_ns == MARKETS["one"].prices(FIRST).event_ns


def test_every_input_is_in_the_hash() -> None:
    frame, surface = newest()
    sums = Sums((1, 2, 3, 4), 750)
    bent = dataclasses.replace(surface.surface, rho=np.nextafter(surface.surface.rho, 0.0).item())
    others = [
        (msgspec.structs.replace(frame, sequence=frame.sequence + 1), surface, sums),
        (msgspec.structs.replace(frame, event_ns=frame.event_ns + 1), surface, sums),
        (msgspec.structs.replace(frame, mids=frame.mids | {"BTC-PERPETUAL": 1}), surface, sums),
        (msgspec.structs.replace(frame, constituents=frame.constituents | {"BTC.1": 1}), surface, sums),
        (frame, msgspec.structs.replace(surface, surface=bent), sums),
        (frame, None, sums),
        (frame, surface, Sums((1, 2, 3, 5), 750)),
        (frame, surface, Sums((1, 2, 3, 4), 749)),
    ]
    hashes = [inputs_hash(*inputs) for inputs in [(frame, surface, sums), *others]]
    assert len(set(hashes)) == len(hashes)
    shuffled = msgspec.structs.replace(
        frame, constituents=dict(sorted(frame.constituents.items(), reverse=True))
    )
    assert inputs_hash(shuffled, surface, sums) == hashes[0]


def test_nothing_is_valued_while_the_averages_warm_up() -> None:
    pricer = Pricer()
    assert list(priced(pricer, warmed_feed(FIRST, ticks=LEAST_SAMPLES - 1).news(0))) == []
    assert pricer.samples == LEAST_SAMPLES - 1


def test_without_two_good_constituents_nothing_is_valued() -> None:
    frame, surface = newest()
    pricer = Pricer()
    for message in warmed_feed(FIRST).news(0):
        pricer.learn(message.frames)
    broken = frame.constituents | {"ETH.1": 0, "ETH.2": -5, "ETH.3": 0}
    assert pricer.value(msgspec.structs.replace(frame, constituents=broken), surface) is None
    pricer.learn([msgspec.structs.replace(frame, mids={})])
    assert pricer.samples == WINDOW - 1


def test_a_surface_with_arbitrage_prices_no_option() -> None:
    frame, surface = newest()
    pricer = Pricer()
    for message in warmed_feed(FIRST).news(0):
        pricer.learn(message.frames)
    arbitrage = msgspec.structs.replace(surface, surface=dataclasses.replace(surface.surface, eta=50.0))
    for used in (arbitrage, None):
        valuation = pricer.value(frame, used)
        assert valuation is not None
        assert valuation.chain is None
        assert not any(INSTRUMENTS[mark.instrument].is_option for mark in valuation.marks)


def differing(wrong: dict[int, Valuation], right: dict[int, Valuation]) -> set[str]:
    """The kinds of instruments whose marks differ under the same hash."""
    kinds = set()
    for sequence, valuation in wrong.items():
        assert valuation.inputs_hash == right[sequence].inputs_hash
        kinds |= {
            mark.kind.value
            for mark, good in zip(valuation.marks, right[sequence].marks, strict=True)
            if mark.mark != good.mark
        }
    return kinds


@pytest.mark.parametrize(
    ("defect", "kinds"),
    [
        (Defect.STALE_SURFACE, {"option_call", "option_put"}),
        (Defect.FLOAT_DRIFT, {"perpetual", "future", "option_call", "option_put"}),
        (Defect.WRONG_DAY_COUNT, {"option_call", "option_put"}),
        (Defect.PUT_PRICE_OFFSET, {"option_put"}),
        (Defect.LOCAL_VALUATION_CLOCK, {"option_call", "option_put"}),
    ],
)
def test_a_planted_defect_differs_under_the_same_hash(
    reference: dict[int, Valuation], defect: Defect, kinds: set[str]
) -> None:
    wrong = run(pricer=Pricer(defects={defect}, market_time_ns=lambda: MARKET_EPOCH_NS + 12345))
    assert differing(wrong, reference) == kinds


def test_a_wrong_day_count_breaks_the_round_trip(reference: dict[int, Valuation]) -> None:
    """P7 catches it on one provider alone: the quoted volatility does not give the quoted price."""

    def worst(valuations: dict[int, Valuation]) -> float:
        priced_chain = valuations[FIRST].chain
        assert priced_chain is not None
        chain = Pricer().chain
        implied = implied_volatility(
            priced_chain.prices, priced_chain.forwards, chain.strikes, priced_chain.expiry_years, chain.signs
        )
        return float(np.abs(implied - priced_chain.volatilities).max())

    assert worst(reference) < 1e-10
    assert worst(run(pricer=Pricer(defects={Defect.WRONG_DAY_COUNT}))) > 1e-4


def test_an_included_outlier_moves_the_planted_index() -> None:
    frame, surface = newest()
    outlier = msgspec.structs.replace(frame, constituents=frame.constituents | {"BTC.5": 10**15})
    marks = []
    for defects in ((), (Defect.CONSTITUENT_NOT_EXCLUDED,)):
        pricer = Pricer(defects=defects)
        for message in warmed_feed(FIRST).news(0):
            pricer.learn(message.frames)
        valuation = pricer.value(outlier, surface)
        assert valuation is not None
        marks.append(valuation.marks[0].index)
    assert marks[0] == pytest.approx(50_000, rel=0.02)
    assert marks[1] > 1_000_000
