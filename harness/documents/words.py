"""The closest valid word to one that is wrong, and the error that tells it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from harness.model.errors import UsageError


def closest(word: str, valid: Iterable[str]) -> str | None:
    """The valid word that a person most likely meant, or None when nothing is near.

    >>> closest("provider_outgae", ["latency", "provider_outage"])
    'provider_outage'
    """
    folded = {str(name).lower(): str(name) for name in valid}
    matches = get_close_matches(word.lower(), folded, n=1, cutoff=0.6)
    return folded[matches[0]] if matches else None


def listed(valid: Iterable[str]) -> str:
    """Words for a message: sorted, at most twelve of them.

    >>> listed(["b", "a"])
    'a, b'
    """
    words = sorted(valid)
    return ", ".join(words) if len(words) <= 12 else ", ".join(words[:12]) + f" and {len(words) - 12} more"


def unknown(what: str, word: str, valid: Iterable[str]) -> UsageError:
    """The error for a word that names nothing.

    >>> print(unknown("fault", "latncy", ["latency", "partition"]))
    no fault 'latncy'; did you mean 'latency'?
      next: choose from latency, partition
    """
    words = [str(name) for name in valid]
    near = closest(word, words)
    return UsageError(
        f"no {what} {word!r}" + (f"; did you mean {near!r}?" if near else ""),
        next_step=f"choose from {', '.join(words)}",
    )
