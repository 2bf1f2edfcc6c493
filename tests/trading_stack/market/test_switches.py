"""Which provider makes which planted mistake."""

from __future__ import annotations

import pytest

from trading_stack.defects import Defect
from trading_stack.market.switches import switched_on

ASKED = {"TRADING_STACK_DEFECT": "stale-surface, identical-ticks-refresh"}


def test_some_mistakes_are_made_on_one_provider() -> None:
    assert switched_on(ASKED, "bravo") == {Defect.STALE_SURFACE, Defect.IDENTICAL_TICKS_REFRESH}
    assert switched_on(ASKED, "alpha") == {Defect.IDENTICAL_TICKS_REFRESH}
    assert Defect.STALE_SURFACE in switched_on(ASKED | {"TRADING_STACK_DEFECT_PROVIDER": "alpha"}, "alpha")
    assert switched_on({}, "bravo") == frozenset()


def test_an_unknown_mistake_is_refused() -> None:
    with pytest.raises(ValueError, match="no defect 'nonsense'"):
        switched_on({"TRADING_STACK_DEFECT": "nonsense"}, "alpha")
