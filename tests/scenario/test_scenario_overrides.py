# ruff: noqa: E501  literal messages stay on one line
from __future__ import annotations

import pytest
from scenario_words import GOOD, mistakes, read

MATRIX = (
    GOOD.replace("fault: outage", "fault: outage\n    mode: ${mode}") + "parameters: {mode: [dark, frozen]}\n"
)


def test_a_parameter_is_set_to_one_value() -> None:
    assert [scenario.id for scenario in read(MATRIX, "mode=abrupt")] == ["primary-outage[mode=abrupt]"]


def test_values_are_put_in_place_by_key_index_and_id() -> None:
    (scenario,) = read(
        GOOD, "timeline.0.at=5s", "timeline.outage.lasts=1s", "load.probe_every=40ms", "seed=7", "tags=[a, b]"
    )
    assert (scenario.timeline[0].at_s, scenario.timeline[0].lasts_s) == (5, 1)
    assert (scenario.load.probe_every_ms, scenario.load.profile) == (40, "burst")
    assert (scenario.seed, scenario.tags) == (7, ("a", "b"))


def test_what_is_not_there_yet_is_made() -> None:
    (scenario,) = read(
        "scenario: x\nends: 5s\n", "steady_state.availability.min=50%", "expect.failover_time.max=2s"
    )
    assert scenario.steady_state.availability.min == 0.5
    assert list(scenario.expect) == ["failover_time"]


def test_an_empty_value_is_nothing() -> None:
    (scenario,) = read(GOOD, "expect.failover_time=", "timeout=")
    assert (scenario.timeout_s, len(scenario.expect)) == (80, 2)


def test_aliased_values_change_in_one_place_alone() -> None:
    text = GOOD.replace("{provider: primary}", "&t {provider: primary}").replace(
        "ends: 20s", "  - {id: b, at: 5s, fault: outage, target: *t}\nends: 20s"
    )
    (scenario,) = read(text, "timeline.b.target.provider=alpha")
    targets = [entry.parameters.model_dump()["target"]["provider"] for entry in scenario.timeline]
    assert targets == ["primary", "alpha"]


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("mode", "1:1: 'mode' is not `path=value`, such as timeline.0.at=5s"),
        ("a..b=1", "1:1: 'a..b=1' is not `path=value`, such as timeline.0.at=5s"),
        ("mdoe=dark", "1:1: 'mdoe' is no parameter or key of a scenario; did you mean 'mode'?"),
        ("ednds=4s", "1:1: 'ednds' is no parameter or key of a scenario; did you mean 'ends'?"),
        ("timeline.7.at=5s", "1:1: there is no item '7' among 1 (counted from 0; ids: outage)"),
        ("timeline.outgae.at=5s", "1:1: there is no item 'outgae' among 1 (counted from 0; ids: outage); did you mean 'outage'?"),
        ("ends.at=5s", "1:1: there is nothing at 'at': '20s' is a single value"),
        ("ends=[", "1:2: this is not YAML: while parsing a flow node, did not find expected node content"),
        ("load.profile=brust", "1:1: `load.profile`: 'brust' is none of steady, burst, quiet; did you mean 'burst'?"),
        ("timeline.0.att=5s", "1:1: unknown key 'att'; did you mean 'at'?"),
    ],
)  # fmt: skip
def test_a_wrong_override_is_told_as_such(override: str, expected: str) -> None:
    assert mistakes(MATRIX, override)[0] == expected
