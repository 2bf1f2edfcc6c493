"""`python -m trading_stack ROLE` runs one service, told what it needs by its environment.

`python -m trading_stack admin …` is what an administrator commands services with.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from trading_stack.roles import ROLES

USAGE_ERROR: Final = 4


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run the role named by the only argument; modules of other roles are not imported."""
    if arguments[:1] == ["admin"]:
        client: int = importlib.import_module("trading_stack.admin_commands.client").main(arguments[1:])
        return client
    if len(arguments) != 1 or arguments[0] not in ROLES:
        sys.stderr.write(
            f"usage: python -m trading_stack ROLE, where ROLE is one of {', '.join(ROLES)}; "
            "or: python -m trading_stack admin --help\n"
        )
        return USAGE_ERROR
    try:
        code: int = importlib.import_module(ROLES[arguments[0]]).main(environ)
    except ValueError as mistake:  # settings and defects raise it for what a person set wrongly
        sys.stderr.write(f"{arguments[0]}: {mistake}\n")
        return USAGE_ERROR
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
