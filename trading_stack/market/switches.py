"""Which planted mistakes of prices this provider makes: some are everywhere, some on one provider alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trading_stack.defects import Defect, active

PROVIDER_VARIABLE: Final = "TRADING_STACK_DEFECT_PROVIDER"
_DEFAULT_PROVIDER: Final = "bravo"
_ON_ONE_PROVIDER: Final = frozenset(
    {Defect.STALE_SURFACE, Defect.FLOAT_DRIFT, Defect.WRONG_DAY_COUNT, Defect.PUT_PRICE_OFFSET}
)


def switched_on(environ: Mapping[str, str], provider: str) -> frozenset[Defect]:
    """The mistakes to make here; `TRADING_STACK_DEFECT_PROVIDER` names the one provider, `bravo` unless set."""
    chosen = environ.get(PROVIDER_VARIABLE, "").strip() or _DEFAULT_PROVIDER
    asked = active(environ)
    return asked if provider == chosen else asked - _ON_ONE_PROVIDER
