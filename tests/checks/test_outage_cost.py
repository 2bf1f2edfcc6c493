"""The time without service, and the orders it cost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from histories import fault, probed, silent, with_events

from harness.checks import downtime as of_downtime
from harness.checks.downtime import Downtime, downtime
from harness.checks.examples.history import MS, LiteralHistory, Row
from harness.checks.failover_time import FailoverExpectation, FailoverTime
from harness.checks.looks import looks_ns
from harness.checks.outage_cost import GIVE_UP_NS
from harness.checks.probes import Stream, streams
from harness.checks.view import Ints, view
from harness.history.run import Run
from harness.load.policy import MOVING, PINNED
from harness.model.events import FaultInjected
from harness.model.verdicts import Figure


def held(until_ms: int) -> Callable[[str, int], Row | None]:
    """Everybody's orders are held from 1,000 on and answered together; alpha, which was struck, stays away."""

    def answers(stream: str, due_ms: int) -> Row | None:
        if stream == "gateway-alpha":
            return silent() if 1_000 <= due_ms < 3_000 else {}
        return {"completed_ns": until_ms * MS} if 1_000 <= due_ms < until_ms else {}

    return answers


def down(answers: Callable[[str, int], Row | None], *, at: str = "gateway-bravo") -> Downtime:
    stream = next(one for one in streams(view(probed(answers).run())) if one.name == at)
    return downtime(stream, onset_ns=1_000 * MS)


def figure(run: Run, name: str) -> Figure:
    verdict = FailoverTime().judge(run, FailoverExpectation(max=5_000))
    return next(item for item in verdict.figures if item.name == name)


@pytest.mark.parametrize("outage_ms", [80, 240, 280, 600])
def test_downtime_is_the_whole_outage_however_few_of_its_probes_were_late(outage_ms: int) -> None:
    """A count of probes later than 250 ms would find 0, 0, 30 and 350 ms."""
    found = down(held(1_000 + outage_ms))
    assert (found.total_ns, found.silences) == (outage_ms * MS, 1)
    assert found.slack_ns == 10 * MS


def test_what_was_missed_before_the_onset_is_no_downtime() -> None:
    def early(stream: str, due_ms: int) -> Row | None:
        return {"completed_ns": 1_005 * MS} if 905 <= due_ms < 1_000 else {}

    found = down(early)
    assert (found.total_ns, found.slack_ns, found.silences) == (5 * MS, 5 * MS, 1)


def test_answers_beyond_the_deadline_are_no_service() -> None:
    def late(stream: str, due_ms: int) -> Row | None:
        return {"completed_ns": (due_ms + 400) * MS} if 1_000 <= due_ms < 1_800 else {}

    assert down(late).total_ns == (1_805 - 1_000) * MS


def test_usual_pauses_are_no_downtime() -> None:
    found = down(lambda stream, due_ms: {"completed_ns": (due_ms + 65) * MS} if due_ms == 2_000 else {})
    assert (found.total_ns, found.silences, found.one_sided) == (0, 0, True)


@pytest.mark.parametrize(("pause_ms", "found_ms"), [(70, 0), (71, 76)])
def test_a_pause_is_a_silence_beyond_75_ms(pause_ms: int, found_ms: int) -> None:
    """The acknowledgement before it comes at 1,995, 5 ms before the pause begins."""

    def paused(stream: str, due_ms: int) -> Row | None:
        return {"completed_ns": (2_000 + pause_ms) * MS} if 2_000 <= due_ms < 2_000 + pause_ms else {}

    assert down(paused).total_ns == found_ms * MS


def test_of_a_brownout_every_probe_that_is_missed_counts() -> None:
    """Three of four are lost for two seconds: an answer every 40 ms ends each pause before it is a silence."""

    def brown(stream: str, due_ms: int) -> Row | None:
        return silent() if 2_000 <= due_ms < 4_000 and due_ms % 40 else {}

    found = down(brown)
    assert (found.total_ns, found.silences, found.alone) == (1_500 * MS, 0, 150)
    assert (found.slack_ns, found.one_sided) == (50 * 10 * MS, False)
    told = figure(probed(brown).run(), "downtime")
    assert (told.value, told.resolution, told.one_sided) == (1_500.0, 500.0, False)
    assert told.note == "at moving, no silence over 75 ms and 150 probes missed between"


def test_of_a_brownout_late_answers_count_as_lost_ones_do() -> None:
    """Every second probe is answered too late, at a spacing of 20 ms."""

    def brown(stream: str, due_ms: int) -> Row | None:
        late = {"completed_ns": (due_ms + 300) * MS} if 2_000 <= due_ms < 4_000 and due_ms % 40 else {}
        return None if due_ms % 20 == 10 else late

    assert (down(brown).total_ns, down(brown).alone) == (1_000 * MS, 50)


def test_what_is_missed_in_a_silence_counts_once() -> None:
    """All are lost until 1,600 and late until 1,650; 2,000 and 2,010 are lost on their own, 4,790 is the last of all."""

    def mixed(stream: str, due_ms: int) -> Row | None:
        lost = 1_000 <= due_ms < 1_600 or due_ms in (900, 2_000, 2_010, 4_790)
        late = {"completed_ns": (due_ms + 300) * MS} if 1_600 <= due_ms < 1_650 else {}
        return silent() if lost else late

    found = down(mixed)
    assert (found.total_ns, found.silences, found.alone) == ((655 + 20) * MS, 1, 2)
    assert found.slack_ns == (10 + 10) * MS  # at the silence's end, and of the two in a row


def test_probes_that_are_far_apart_know_no_short_silence() -> None:
    def sparse(stream: str, due_ms: int) -> Row | None:
        late = {"completed_ns": (due_ms + 90) * MS} if due_ms == 2_000 else {}
        return late if due_ms % 50 == 0 else None

    found = figure(probed(sparse).run(), "downtime")
    assert (found.value, found.note) == (0.0, "at moving, no silence over 100 ms")


def test_every_silence_counts_and_the_onset_begins_the_first() -> None:
    def twice(stream: str, due_ms: int) -> Row | None:
        return {"completed_ns": 3_600 * MS} if 3_400 <= due_ms < 3_600 else held(1_280)(stream, due_ms)

    found = down(twice)
    assert (found.total_ns, found.silences) == ((280 + 3_600 - 3_395) * MS, 2)
    assert found.slack_ns == 30 * MS  # at the first one's end, and at both ends of the second


def test_many_silences_sort_the_sends_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def sorts(stream: Stream) -> Ints:
        asked.append(stream.name)
        return looks_ns(stream)

    def often(stream: str, due_ms: int) -> Row | None:
        return silent() if due_ms % 200 < 100 else {}

    monkeypatch.setattr(of_downtime, "looks_ns", sorts)
    monkeypatch.setattr("harness.checks.looks.looks_ns", sorts)
    assert down(often).silences == 19
    assert asked == ["gateway-bravo"]


def never(stream: str, due_ms: int) -> Row | None:
    return silent() if due_ms >= 1_000 else {}


def test_service_that_never_comes_back_is_down_to_the_last_probe() -> None:
    """At least: nobody looked any longer, so that this is no upper bound."""
    found = down(never)
    assert (found.total_ns, found.slack_ns, found.ended) == ((4_790 - 1_000) * MS, 0, False)
    told = figure(probed(never).run(), "downtime")
    assert (told.value, told.one_sided) == (3_790.0, False)
    assert told.note == "at moving, 1 silence over 75 ms; at least: it never ended"


def test_a_stream_without_any_answer_is_down_throughout() -> None:
    assert down(lambda stream, due_ms: silent()).total_ns == (4_790 - 1_000) * MS


@pytest.mark.parametrize(
    ("answers", "gap_ms"), [(never, 4_790 - 995), (lambda stream, due_ms: silent(), 3_790)]
)
def test_the_longest_gap_of_service_that_never_comes_back_is_told_as_far_as_anybody_looked(
    answers: Callable[[str, int], Row | None], gap_ms: int
) -> None:
    """Between acknowledgements alone there would be none, or one of 10 ms."""
    told = figure(probed(answers).run(), "longest_gap")
    assert (told.value, told.samples, told.one_sided) == (float(gap_ms), 1, False)
    assert told.note == "at least: it never ended"


def test_the_longest_gap_is_between_acknowledgements_where_there_is_a_longer_one() -> None:
    def lost_at_the_end(stream: str, due_ms: int) -> Row | None:
        return silent() if due_ms >= 4_700 else held(1_280)(stream, due_ms)

    told = figure(probed(lost_at_the_end).run(), "longest_gap")
    assert (told.value, told.resolution, told.one_sided, told.note) == (285.0, 20.0, True, "")


def test_costs_count_from_the_first_fault_whichever_was_the_worst() -> None:
    """The second of two outages is the longer one; the first fault's silence of 200 ms is time without service, too."""

    def twice(stream: str, due_ms: int) -> Row | None:
        gone = stream != "gateway-alpha" and 3_000 <= due_ms < 3_300
        return silent() if gone else held(1_200)(stream, due_ms)

    history = probed(twice)
    ordered(history, due_ms=1_100, **silent())
    ordered(history, due_ms=1_110, completed_ns=1_400 * MS)
    again = fault(fault_id="again", at_ns=3_000 * MS, first_effect_ns=3_000 * MS, targets=("x",))
    run = with_events(history.run(), again)
    assert FailoverTime().judge(run, FailoverExpectation(max=5_000)).figures[0].value == 305.0
    assert figure(run, "downtime").value == 200.0 + 310.0
    one = history.run()
    costs = ("failed_orders", "late_orders", "downtime", "longest_gap")
    assert [figure(run, name) for name in costs] == [figure(one, name) for name in costs]


def test_downtime_is_of_the_worst_stream_that_should_work() -> None:
    def unlucky(stream: str, due_ms: int) -> Row | None:
        gone = stream == "gateway-charlie" and 3_000 <= due_ms < 3_300
        return silent() if gone else held(1_280)(stream, due_ms)

    found = figure(probed(unlucky).run(), "downtime")
    assert (found.value, found.samples) == (590.0, 1)
    assert found.note == "at gateway-charlie, 2 silences over 75 ms"


def ordered(history: LiteralHistory, *, due_ms: int, **more: object) -> None:
    """One more order of the flow."""
    op = 9_000 + len(history.operations)
    row: Row = {
        "op": op,
        "client": "trader",
        "purpose": "flow",
        "kind": "new",
        "gateway": "gateway-bravo",
        "provider": "bravo",
        "account": "trader",
        "client_order_id": f"o{op}",
        "intended_ns": due_ms * MS,
        "sent_ns": due_ms * MS,
        "completed_ns": (due_ms + 5) * MS,
        "attempts": 1,
        "outcome": "ok",
        "first_attempt": "ok",
    }
    history.operations.append({**row, **more})


def test_failed_and_late_orders_are_those_of_the_flow() -> None:
    """200 probes of the dead gateway go unanswered; of the flow one more order does, and another one is late."""
    history = probed(held(1_280))
    before = figure(history.run(), "failed_orders")
    assert before.value < 200
    ordered(history, due_ms=900)
    ordered(history, due_ms=1_100, **silent())
    ordered(history, due_ms=1_020, completed_ns=1_280 * MS)
    ordered(history, due_ms=2_000)
    run = history.run()
    failed, late = figure(run, "failed_orders"), figure(run, "late_orders")
    assert (failed.value, late.value) == (before.value + 1, 1)
    assert failed.samples == late.samples == (before.samples or 0) + 3


def test_orders_in_flight_at_the_onset_are_among_its_cost() -> None:
    """They were due before it, and answered after it or not at all, within the time that clients wait."""
    history = probed(held(1_280))
    onset = fault(at_ns=3_000 * MS, first_effect_ns=3_000 * MS, last_effect_ns=3_000 * MS)

    def cost() -> list[float | None]:
        run = with_events(history.run(), onset, without=(FaultInjected,))
        failed, late = figure(run, "failed_orders"), figure(run, "late_orders")
        return [failed.value, late.value, failed.samples]

    failed, late, count = cost()
    assert (failed, late) == (0, 0)
    ordered(history, due_ms=2_990, **{**silent(), "completed_ns": 4_990 * MS})
    ordered(history, due_ms=2_980, **silent())
    ordered(history, due_ms=2_970, completed_ns=3_300 * MS)
    ordered(history, due_ms=2_996, completed_ns=3_001 * MS)
    assert cost() == [2, 1, (count or 0) + 4]
    ordered(history, due_ms=900, **silent())
    ordered(history, due_ms=950, **{**silent(), "completed_ns": 2_950 * MS})
    ordered(history, due_ms=2_000, completed_ns=2_300 * MS)
    ordered(history, due_ms=2_900)
    assert cost() == [2, 1, (count or 0) + 4]


def test_clients_give_up_when_their_policies_say() -> None:
    assert {policy.wait_ns for policy in (MOVING, PINNED)} == {GIVE_UP_NS}
