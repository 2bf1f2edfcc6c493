# ruff: noqa: E501  literal messages stay on one line
from __future__ import annotations

import pytest
from scenario_words import mistakes, read, scenario_of

TARGET = "target: {provider: alpha}"


@pytest.mark.parametrize(
    ("timeline", "expected"),
    [
        (
            f"  - {{id: a, at: 2s, fault: outage, {TARGET}}}",
            ["4:17: 'a' strikes at 2s, before the steady state is over at 3s"],
        ),
        (
            f"  - {{id: a, at: 20s, fault: outage, {TARGET}}}",
            ["4:17: 'a' strikes at 20s, and the scenario ends at 20s"],
        ),
        (
            f"  - {{id: a, at: 15s, lasts: 6s, fault: outage, {TARGET}}}",
            ["4:29: 'a' is healed at 21s, after the scenario ends at 20s"],
        ),
        (
            f"  - {{id: a, when: {{event: log_sealed, after: 10s}}, lasts: 8s, fault: outage, {TARGET}}}",
            ["4:59: 'a' is healed at 21s at the earliest, after the scenario ends at 20s"],
        ),
        (
            f"  - {{id: a, at: 4s, lasts: 0s, fault: outage, {TARGET}}}",
            ["4:28: `timeline[0].lasts`: '0s': input should be greater than 0"],
        ),
        (
            f"  - {{id: a, at: 4s, lasts: 1s, fault: reset, {TARGET}}}",
            ["4:21: reset is over at once: take `lasts` away"],
        ),
        (
            f"  - {{id: a, at: 4s, fault: reset, {TARGET}}}\n  - {{id: a, at: 5s, fault: reset, {TARGET}}}",
            ["5:10: the id 'a' is taken: the first is in line 4"],
        ),
        (
            f"  - {{id: log_sealed, at: 4s, fault: reset, {TARGET}}}",
            ["4:10: the id 'log_sealed' is an event of the stack: `when` could not tell them apart"],
        ),
        (
            f"  - {{id: a, when: {{event: log_saeled}}, fault: reset, {TARGET}}}",
            ["4:27: nothing here is called 'log_saeled'; did you mean 'log_sealed'?"],
        ),
        (
            f"  - {{id: a, when: {{event: a}}, fault: reset, {TARGET}}}",
            ["4:27: 'a' waits for itself"],
        ),
        (
            f"  - {{id: aa, at: 4s, fault: outage, {TARGET}}}\n  - {{id: b, when: {{event: aa.edn}}, fault: reset, {TARGET}}}",
            ["5:27: nothing here is called 'aa.edn'; did you mean 'aa.end'?"],
        ),
        (
            f"  - {{id: a, at: 4s, fault: outage, {TARGET}}}\n  - {{id: b, when: {{event: a.end}}, fault: reset, {TARGET}}}",
            ["5:27: 'a' has no end of its own: give it `lasts`, or wait for its onset"],
        ),
        (
            f"  - {{id: a, at: 4s, fault: reset, {TARGET}}}\n  - {{id: b, when: {{event: a.end}}, fault: reset, {TARGET}}}",
            ["5:27: 'a' has no end of its own: give it `lasts`, or wait for its onset"],
        ),
        (
            f"  - {{id: a, at: 4s, lasts: 9s, fault: outage, {TARGET}}}\n  - {{id: b, when: {{event: a.end, after: 8s}}, fault: reset, {TARGET}}}",
            ["5:19: 'b' strikes at 21s, and the scenario ends at 20s"],
        ),
        (
            f"""\
  - {{id: a, when: {{event: b}}, fault: reset, {TARGET}}}
  - {{id: b, when: {{event: c.onset}}, fault: reset, {TARGET}}}
  - {{id: c, when: {{event: a}}, fault: reset, {TARGET}}}
  - {{id: d, when: {{event: a}}, fault: reset, {TARGET}}}""",
            [
                "4:27: 'a' can never strike, it waits in a circle: a → b → c → a",
                "5:27: 'b' can never strike, it waits in a circle: b → c → a → b",
                "6:27: 'c' can never strike, it waits in a circle: c → a → b → c",
            ],
        ),
        (
            f"  - {{id: a, at: 4s, fault: outage, traget: {{}}, {TARGET}}}\n  - {{id: b, when: {{event: a}}, fault: reset, {TARGET}}}",
            ["4:36: unknown key 'traget'; did you mean 'target'?"],
        ),
        (
            f"  - {{id: a, at: 4, fault: outage, {TARGET}}}\n  - {{id: b, when: {{event: a, after: 1s}}, fault: reset, {TARGET}}}",
            [
                "4:17: `timeline[0].at`: 4 is not a duration: write a number with its unit, such as 40ms, 2s or 1.5m"
            ],
        ),
    ],
)
def test_impossible_timelines_are_refused(timeline: str, expected: list[str]) -> None:
    assert mistakes(scenario_of(timeline)) == expected


def test_an_unknown_moment_without_a_near_word_lists_what_there_is() -> None:
    (message,) = mistakes(scenario_of(f"  - {{when: {{event: zzzzzz}}, fault: reset, {TARGET}}}"))
    assert message.startswith("4:20: nothing here is called 'zzzzzz': the events are append_refused, ")


def test_times_are_checked_even_where_the_top_level_has_mistakes() -> None:
    text = scenario_of(
        f"  - {{id: a, at: 2s, fault: reset, {TARGET}}}", more="tgas: []\nsteady_state: {for: 4s, x: 1}"
    )
    assert "4:17: 'a' strikes at 2s, before the steady state is over at 4s" in mistakes(text)
    text = scenario_of(f"  - {{id: a, at: 2s, fault: reset, {TARGET}}}", ends="nonsense")
    assert [mistake[:5] for mistake in mistakes(text)] == ["2:7: ", "4:17:"]


def test_a_fault_may_last_to_the_very_end() -> None:
    (scenario,) = read(
        scenario_of(
            f"  - {{at: 15s, lasts: 5s, fault: outage, {TARGET}}}\n  - {{at: 3s, fault: slow, latency: 1ms}}"
        )
    )
    assert [entry.lasts_s for entry in scenario.timeline] == [5.0, None]
