"""The roles of the stack's services, and the module of each, which has `main(environ) -> int`.

Apart from `__main__`, which must not be imported before it is run.
"""

from __future__ import annotations

from typing import Final

ROLES: Final = {
    "engine": "trading_stack.engine.service",
    "sentinel": "trading_stack.sentinel.service",
    "gateway": "trading_stack.gateway.service",
    "feed": "trading_stack.market.feed_service",
    "pricing": "trading_stack.market.pricing_service",
    "source": "trading_stack.market.source_service",
}
