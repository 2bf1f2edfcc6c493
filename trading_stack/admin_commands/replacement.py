"""`replace-key`: another public key for a sentinel that lost its own, or whose own was stolen."""

from __future__ import annotations

from trading_stack.admin_commands.desk import Action, Arguments
from trading_stack.events import emit
from trading_stack.keys import parse_public
from trading_stack.roster import Roster
from trading_stack.sentinel.introductions import Introductions
from trading_stack.settings import SettingsError


def replacement(roster: Roster, introductions: Introductions) -> Action:
    """The action, with the arguments `sentinel` (its name) and `public` (hexadecimal)."""

    def objection(arguments: Arguments) -> str | None:
        try:
            parse_public(arguments.get("public", ""), "public")
        except SettingsError as mistake:
            return str(mistake)
        return roster.objection(arguments.get("sentinel", ""))

    def perform(arguments: Arguments) -> None:
        name, public = arguments["sentinel"], parse_public(arguments["public"], "public")
        roster.replace(name, public)
        introductions.expel(name)
        emit("key_replaced", sentinel=name, reason=public.hex())

    return Action(objection, perform)
