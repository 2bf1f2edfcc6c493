# ruff: noqa: E501  literal messages stay on one line
from __future__ import annotations

import pytest
from scenario_words import GOOD, mistakes, read

MATRIX = (
    GOOD.replace("fault: outage", "fault: outage\n    mode: ${mode}")
    .replace("50}", "${ rate }}")
    .replace("${ rate }", '"${rate}"')
)
MATRIX += "parameters: {mode: [dark, frozen], rate: [10, 2.5]}\n"


def test_each_combination_is_a_scenario_in_the_files_order() -> None:
    scenarios = read(MATRIX)
    assert [scenario.id for scenario in scenarios] == [
        "primary-outage[mode=dark-rate=10]",
        "primary-outage[mode=dark-rate=2.5]",
        "primary-outage[mode=frozen-rate=10]",
        "primary-outage[mode=frozen-rate=2.5]",
    ]
    assert [scenario.load.orders_per_s for scenario in scenarios] == [10, 2.5, 10, 2.5]
    assert scenarios[2].timeline[0].parameters.mode == "frozen"  # type: ignore[attr-defined]
    assert {scenario.seed for scenario in scenarios} == {scenarios[0].seed}
    assert scenarios[0].variant == {"mode": "dark", "rate": 10}


def test_truths_and_nothing_are_shown_as_people_write_them() -> None:
    from harness.scenario.scenario import shown

    assert [shown(value) for value in (None, True, False, 1.5, "x")] == ["null", "true", "false", "1.5", "x"]


@pytest.mark.parametrize(
    ("parameters", "use", "expected"),
    [
        ("{mode: [dark, drak]}", "${mode}", ["17:27: `timeline[0].mode`: 'drak' is none of dark, abrupt, frozen; did you mean 'dark'?"]),
        ("{mode: [dark]}", "${mdoe}", ["10:11: no parameter is called 'mdoe': `parameters` has mode; did you mean 'mode'?", "17:14: the parameter 'mode' is used nowhere: write ${mode}"]),
        ("{}", "${mode}", ["10:11: no parameter is called 'mode': `parameters` has none"]),
        ("{mode: [dark]}", "x${mode}", ["10:11: 'x${mode}': ${…} stands for a whole value, never for a part of one", "17:14: the parameter 'mode' is used nowhere: write ${mode}"]),
        ("{mode: dark}", "dark", ["17:14: the parameter 'mode' is used nowhere: write ${mode}", "17:20: `parameters.mode`: expected a list of values, found 'dark'"]),
        ("{mode: [dark, dark]}", "${mode}", ["17:27: `parameters.mode`: dark is there twice"]),
        ("{mode: [[dark]]}", "${mode}", ["17:21: `parameters.mode`: expected a single value, found a list"]),
        ("{mo-de: [dark]}", "${mo-de}", ["17:14: 'mo-de' is no name for a parameter: use lower case letters, digits and _"]),
        ("[mode]", "dark", ["17:13: `parameters`: expected `name: [value, …]`, found a list"]),
    ],
)  # fmt: skip
def test_mistakes_of_a_matrix(parameters: str, use: str, expected: list[str]) -> None:
    text = GOOD.replace("fault: outage", f"fault: outage\n    mode: {use}") + f"parameters: {parameters}\n"
    # line 17 is counted after the line that was put in
    assert [mistake.replace("18:", "17:") for mistake in mistakes(text)] == expected


def test_a_variable_of_a_file_without_parameters_is_a_mistake() -> None:
    assert mistakes(GOOD.replace("fault: outage", "fault: outage\n    mode: ${mode}")) == [
        "10:11: no parameter is called 'mode': `parameters` has none"
    ]


def test_a_matrix_has_an_end() -> None:
    numbers = ", ".join(str(n) for n in range(1001))
    text = GOOD.replace("50}", '"${rate}"}') + f"parameters: {{rate: [{numbers}]}}\n"
    assert mistakes(text) == ["17:13: `parameters` make 1,001 combinations, more than 1,000"]


def test_a_mistake_that_every_variant_shares_is_told_once() -> None:
    assert mistakes(MATRIX.replace("lasts: 8s", "lasts: 80s")) == [
        "12:12: 'outage' is healed at 84s, after the scenario ends at 20s"
    ]
