"""Imports what any role needs, so that a preloaded interpreter can fork services that start at once."""

from __future__ import annotations

import importlib

from trading_stack.roles import ROLES

for _module in ROLES.values():
    importlib.import_module(_module)
