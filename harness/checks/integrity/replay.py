"""The committed log, replayed once by the reference matcher, for every predicate that needs it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from harness.checks.grouping import lookup
from harness.checks.integrity.logged import refused_to_clients
from harness.checks.integrity.readings import Reading, readings
from harness.checks.reference_matcher import Fill, ReferenceMatcher
from harness.checks.view import MISSING, Ints, View


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the reference matcher made of the committed log.

    `keys` are the orders, ascending, with what was filled (`cum`) and stays open (`leaves`) of each. `complete` are the
    readings (by code) that had applied every command of the log; `applied` maps each reading to the last entry that it had
    applied. Readings whose log is another one are in neither. `unknown` says what could not be replayed or compared.
    """

    fills: tuple[Fill, ...] = ()
    keys: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    cum: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    leaves: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    complete: tuple[int, ...] = ()
    applied: dict[int, int] = field(default_factory=dict)
    entries: int = 0
    unknown: str = ""


def replayed(view: View) -> Replayed:
    """The replay of this run's log; made once and kept."""
    found = view.run.cache.get("replayed")
    if not isinstance(found, Replayed):
        found = view.run.cache["replayed"] = _replay(view)
    return found


def _replay(view: View) -> Replayed:
    every = readings(view)
    whole = [reading for reading in every if reading.first_index <= 1]
    if not whole:
        return Replayed(unknown="no replica has its log from the first entry, so it cannot be replayed")
    source = max(whole, key=lambda reading: (reading.commit_index, reading.applied_index))
    rows = _committed_rows(view, source)
    if not len(rows):
        return Replayed(unknown=f"the log of {source.node} was not read")
    matcher = ReferenceMatcher()
    _feed(view, rows, source, matcher)
    command = last_command(view)
    final = np.array([(key, *left) for key, left in matcher.final().items()], dtype=np.int64).reshape(-1, 3)
    final = final[np.argsort(final[:, 0])]
    same = [reading for reading in every if _same_log(view, reading, source)]
    return Replayed(
        fills=tuple(matcher.fills),
        keys=final[:, 0],
        cum=final[:, 1],
        leaves=final[:, 2],
        complete=tuple(reading.code for reading in same if reading.applied_index >= command),
        applied={reading.code: reading.applied_index for reading in same},
        entries=len(rows),
        unknown=_differing([reading for reading in every if reading not in same], source),
    )


def _same_log(view: View, reading: Reading, source: Reading) -> bool:
    """Whether a reading's committed log is the source's, as far as both go (by hash)."""
    rows, others = _committed_rows(view, reading), _committed_rows(view, source)
    index, hashes = view.ints("entries", "index"), view.codes("entries", "hash")
    shared = rows[np.isin(index[rows], index[others])]
    return bool((lookup(index[shared], index[others], hashes[others], absent=-1) == hashes[shared]).all())


def _differing(readings: list[Reading], source: Reading) -> str:
    """Replicas whose logs forked (see O10) did other things, and nothing of the source's replay can be asked of them."""
    names = ", ".join(sorted({reading.node for reading in readings}))
    return (
        f"the log of {names} differs from that of {source.node}, so its trades cannot be compared"
        if names
        else ""
    )


def _committed_rows(view: View, source: Reading) -> Ints:
    index = view.ints("entries", "index")
    rows = np.flatnonzero((view.reading("entries") == source.code) & (index <= source.commit_index))
    return rows[np.argsort(index[rows], kind="stable")]


def last_command(view: View) -> int:
    """The index of the last committed entry that concerns orders; 0 without one. Later entries change no book."""
    orders = view.equals("entries", "type", "new") | view.equals("entries", "type", "cancel")
    orders |= view.equals("entries", "type", "resolve")
    orders &= view.run.entries["committed"].to_numpy(dtype=np.bool_, na_value=False)
    return int(view.ints("entries", "index")[orders].max(initial=0))


def _feed(view: View, rows: Ints, source: Reading, matcher: ReferenceMatcher) -> None:
    """Give the commands on orders to the matcher, in the order of the log."""
    kinds = {name: view.equals("entries", "type", name)[rows] for name in ("new", "cancel", "resolve")}
    keys = view.order_key("entries")[rows]
    index = view.ints("entries", "index")[rows]
    known = keys >= 0
    codes = np.select([kinds["new"] & known, kinds["cancel"] & known, kinds["resolve"] & known], [1, 2, 3], 0)
    _commands(view, rows, codes, _refused(view, source, index, keys), matcher)


def _commands(view: View, rows: Ints, codes: Ints, refused: Ints, matcher: ReferenceMatcher) -> None:
    at = np.flatnonzero(codes)
    chosen = rows[at]
    frame = view.run.entries
    columns = zip(
        codes[at].tolist(),
        view.ints("entries", "index")[chosen].tolist(),
        view.order_key("entries")[chosen].tolist(),
        view.codes("entries", "account")[chosen].tolist(),
        view.codes("entries", "instrument")[chosen].tolist(),
        view.equals("entries", "side", "buy")[chosen].tolist(),
        view.ints("entries", "quantity")[chosen].tolist(),
        view.ints("entries", "price")[chosen].tolist(),
        frame["time_in_force"].to_numpy(dtype=object, na_value="")[chosen].tolist(),
        refused[at].tolist(),
        strict=True,
    )
    for code, index, key, account, instrument, buys, quantity, price, tif, was_refused in columns:
        if code == 2:
            matcher.cancel(key)
        elif code == 3:
            matcher.resolve(key)
        elif was_refused or quantity <= 0:
            matcher.refuse(key)
        else:
            matcher.new(
                index,
                key,
                account=account,
                instrument=instrument,
                buys=buys,
                quantity=quantity,
                price=None if price == MISSING else price,
                time_in_force=tif,
            )


def _refused(view: View, source: Reading, index: Ints, keys: Ints) -> Ints:
    """Where the venue refused an order: told by the entry's own execution, or to its client when it left no trace.

    The rules of refusal (ticks, limits of size) are the venue's, not matching's. An order without a trace that was refused
    to nobody is one that the venue lost: it matches here.
    """
    here = view.reading("executions") == source.code
    rejected = view.ints("executions", "index")[here & view.equals("executions", "type", "rejected")]
    traced = view.order_key("executions")[here]
    told = view.order_key("operations")[refused_to_clients(view)]
    return np.asarray(np.isin(index, rejected) | (~np.isin(keys, traced) & np.isin(keys, told)))
