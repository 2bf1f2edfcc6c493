"""What a whole run came to: its verdicts, and why it may not be trusted as a whole."""

from __future__ import annotations

import msgspec

from harness.model.outcome import Outcome
from harness.model.verdicts import Verdict


class Judgement(msgspec.Struct, frozen=True):
    """All verdicts on one run. It is what `verdicts.json` holds, byte for byte the same whenever it is made again.

    `reasons` say why the run as a whole is UNKNOWN (a fault without evidence, a failed steady state, a generator that fell
    behind); `environment_caused` says that all of those, and all UNKNOWN verdicts, come from the machine, so that running
    again may help.
    """

    outcome: Outcome
    verdicts: tuple[Verdict, ...]
    reasons: tuple[str, ...] = ()
    environment_caused: bool = False
