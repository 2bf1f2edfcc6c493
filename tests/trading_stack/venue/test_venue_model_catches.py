"""The naive model is worth its keep: it catches each planted mistake of the venue."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from test_venue_model import VenueAgainstNaiveModel
from venue_steps import Steps

from trading_stack.defects import Defect

QUICKLY = settings(
    max_examples=300,
    stateful_step_count=60,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize(
    "defect",
    [
        Defect.NO_IDEMPOTENCY,
        Defect.RESTING_ORDER_LOSES_PRIORITY,
        Defect.FILL_APPLIED_TWICE,
        Defect.FOK_FILLS_PARTLY,
    ],
)
def test_a_planted_mistake_is_caught(defect: Defect) -> None:
    class Mistaken(VenueAgainstNaiveModel):
        def __init__(self) -> None:
            super().__init__()
            self.steps = Steps(defect)

        def teardown(self) -> None:
            return

    with pytest.raises(AssertionError):
        run_state_machine_as_test(Mistaken, settings=QUICKLY)
