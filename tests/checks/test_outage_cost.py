"""The time without service, and the orders it cost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from histories import probed, silent

from harness.checks.downtime import Downtime, downtime
from harness.checks.examples.history import MS, LiteralHistory, Row
from harness.checks.failover_time import FailoverExpectation, FailoverTime
from harness.checks.probes import streams
from harness.checks.view import view
from harness.history.run import Run
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


@pytest.mark.parametrize("outage_ms", [70, 240, 280, 600])
def test_downtime_is_the_whole_outage_however_few_of_its_probes_were_late(outage_ms: int) -> None:
    """A count of probes later than 250 ms would find 0, 0, 30 and 350 ms."""
    found = down(held(1_000 + outage_ms))
    assert (found.total_ns, found.silences) == (outage_ms * MS, 1)
    assert found.slack_ns == 10 * MS


def test_what_was_missed_before_the_onset_is_no_downtime() -> None:
    def early(stream: str, due_ms: int) -> Row | None:
        return {"completed_ns": 1_005 * MS} if 945 <= due_ms < 1_000 else {}

    found = down(early)
    assert (found.total_ns, found.slack_ns, found.silences) == (5 * MS, 5 * MS, 1)


def test_answers_beyond_the_deadline_are_no_service() -> None:
    def late(stream: str, due_ms: int) -> Row | None:
        return {"completed_ns": (due_ms + 400) * MS} if 1_000 <= due_ms < 1_800 else {}

    assert down(late).total_ns == (1_805 - 1_000) * MS


def test_usual_pauses_and_single_losses_are_no_downtime() -> None:
    def flaky(stream: str, due_ms: int) -> Row | None:
        return silent() if due_ms in (500, 1_500, 2_500) else {}

    assert (down(flaky).total_ns, down(flaky).silences) == (0, 0)


@pytest.mark.parametrize(("pause_ms", "found_ms"), [(45, 0), (46, 51)])
def test_a_pause_is_a_silence_beyond_50_ms(pause_ms: int, found_ms: int) -> None:
    """The acknowledgement before it comes at 1,995, 5 ms before the pause begins."""

    def paused(stream: str, due_ms: int) -> Row | None:
        return {"completed_ns": (2_000 + pause_ms) * MS} if 2_000 <= due_ms < 2_000 + pause_ms else {}

    assert down(paused).total_ns == found_ms * MS


def test_probes_that_are_far_apart_know_no_short_silence() -> None:
    def sparse(stream: str, due_ms: int) -> Row | None:
        late = {"completed_ns": (due_ms + 60) * MS} if due_ms == 2_000 else {}
        return late if due_ms % 50 == 0 else None

    found = figure(probed(sparse).run(), "downtime")
    assert (found.value, found.note) == (0.0, "at moving, no silence over 100 ms")


def test_every_silence_counts_and_the_onset_begins_the_first() -> None:
    def twice(stream: str, due_ms: int) -> Row | None:
        return {"completed_ns": 3_600 * MS} if 3_400 <= due_ms < 3_600 else held(1_280)(stream, due_ms)

    found = down(twice)
    assert (found.total_ns, found.silences) == ((280 + 3_600 - 3_395) * MS, 2)
    assert found.slack_ns == 30 * MS  # at the first one's end, and at both ends of the second


def test_service_that_never_comes_back_is_down_to_the_last_probe() -> None:
    def never(stream: str, due_ms: int) -> Row | None:
        return silent() if due_ms >= 1_000 else {}

    assert down(never).total_ns == (4_790 - 1_000) * MS


def test_a_stream_without_any_answer_is_down_throughout() -> None:
    assert down(lambda stream, due_ms: silent()).total_ns == (4_790 - 1_000) * MS


def test_downtime_is_of_the_worst_stream_that_should_work() -> None:
    def unlucky(stream: str, due_ms: int) -> Row | None:
        gone = stream == "gateway-charlie" and 3_000 <= due_ms < 3_300
        return silent() if gone else held(1_280)(stream, due_ms)

    found = figure(probed(unlucky).run(), "downtime")
    assert (found.value, found.samples) == (590.0, 1)
    assert found.note == "at gateway-charlie, 2 silences over 50 ms"


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
    ordered(history, due_ms=900, **silent())
    ordered(history, due_ms=1_100, **silent())
    ordered(history, due_ms=1_020, completed_ns=1_280 * MS)
    ordered(history, due_ms=2_000)
    run = history.run()
    failed, late = figure(run, "failed_orders"), figure(run, "late_orders")
    assert (failed.value, late.value) == (before.value + 1, 1)
    assert failed.samples == late.samples == (before.samples or 0) + 3
