"""All planted mistakes: at least one a predicate, each a way in which it can fail. The first of a predicate explains it."""

from __future__ import annotations

from typing import Final

from harness.checks.examples.mistakes_of_orders import OF_ORDERS
from harness.checks.examples.mistakes_of_prices import OF_PRICES
from harness.checks.examples.mistakes_of_replicas import OF_REPLICAS
from harness.checks.examples.planting import Mistake

MISTAKES: Final[tuple[Mistake, ...]] = (*OF_ORDERS, *OF_REPLICAS, *OF_PRICES)
