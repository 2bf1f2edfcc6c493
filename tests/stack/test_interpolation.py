from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.documents.composing import compose
from harness.documents.nodes import Source, plain
from harness.stack.findings import Findings
from harness.stack.interpolation import VariableError, interpolate, interpolate_nodes

VARIABLES = {"SET": "v", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$SET-${SET}", "v-v"),
        ("${EMPTY:-d}|${EMPTY-d}|${NO:-d}|${NO-d}", "d||d|d"),
        ("${SET:+x}|${EMPTY:+x}|${EMPTY+x}|${NO+x}", "x||x|"),
        ("${SET:?m}", "v"),
        ("${NO:-${ALSO_NO:-deep}}", "deep"),
        ("${NO:-a$$b}", "a$b"),
        ("$$SET", "$SET"),
        ("${NO}", ""),
        ("100%", "100%"),
    ],
)
def test_variables_are_replaced_as_compose_does(text: str, expected: str) -> None:
    assert interpolate(text, VARIABLES) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a$", "the dollar in 'a$' begins no variable: write $$ for a dollar"),
        ("$1", "the dollar in '$1' begins no variable: write $$ for a dollar"),
        ("${SET", "${ in '${SET' is never closed: a } is missing"),
        ("${}", "${} begins with no variable's name"),
        ("${SET/x}", "${SET/x} means nothing: after SET comes :-, -, :?, ?, :+ or +"),
        ("${NO:?is needed}", "the variable NO must be set: is needed"),
        ("${NO?}", "the variable NO must be set"),
        ("${EMPTY:?}", "the variable EMPTY must be set"),
        ("${NO:-" * 30 + "}" * 30, "variables are nested too deeply"),
    ],
)
def test_mistakes_are_told(text: str, message: str) -> None:
    with pytest.raises(VariableError) as caught:
        interpolate(text, VARIABLES)
    assert str(caught.value) == message


def test_values_are_replaced_and_keys_are_not() -> None:
    findings = Findings()
    root = compose(
        Source("f", "$SET: &a\n- $SET\n- ${N:-7}\n- '${N:-7}'\n- $$$$\nother: *a\nbad: ${\nunset: $NO\n")
    )
    interpolate_nodes(root, VARIABLES, findings)
    assert plain(root) == {
        "$SET": ["v", 7, "7", "$$"],
        "other": ["v", 7, "7", "$$"],
        "bad": "${",
        "unset": None,
    }
    assert [problem.message for problem in findings.problems] == [
        "${ in '${' is never closed: a } is missing"
    ]
    assert [problem.message for problem in findings.warnings] == [
        "the variable NO is not set, and empty text stands in for it"
    ]


@given(st.text(alphabet="${}:-?+AB ", max_size=40))
def test_any_text_is_replaced_or_refused(text: str) -> None:
    try:
        interpolate(text, {"A": "1"})
    except VariableError as error:
        message = str(error)
    else:
        return
    assert message
