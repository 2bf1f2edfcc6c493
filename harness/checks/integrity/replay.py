"""The committed log, replayed once by the reference matcher, for every predicate that needs it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from harness.checks.grouping import lookup
from harness.checks.integrity.logged import refused_to_clients
from harness.checks.integrity.readings import Reading, readings
from harness.checks.integrity.rules import own_word, rulings
from harness.checks.reference_matcher import Fill, ReferenceMatcher
from harness.checks.view import MISSING, Bools, Ints, View

NEW, REFUSE, CANCEL, RESOLVE = 1, 2, 3, 4


def _none() -> Ints:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Refusals:
    """Which orders must be refused and which must not, as indexes of their entries; every other may be either.

    `rules` are the numbers of the rules that the `forbidden` ones break. `due` are those that nothing speaks against, in
    the order or in the book. Of the refusals that stand in neither, some were believed: `believed_untold` because the
    history doesn't tell all that the rules need, `believed_words` because the venue names a rule of its own.
    """

    forbidden: Ints = field(default_factory=_none)
    rules: Ints = field(default_factory=_none)
    due: Ints = field(default_factory=_none)
    believed_untold: int = 0
    believed_words: int = 0


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the reference matcher made of the committed log.

    `keys` are the orders, ascending, with what was filled (`cum`) and stays open (`leaves`) of each. `complete` are the
    readings (by code) that had applied every command of the log; `applied` maps each reading to the last entry that it had
    applied, as far as entries were replayed. Readings whose log is another one are in neither. `source` is the reading whose
    log was replayed, `entries` counts its entries. `unknown` says what could not be replayed or compared.
    """

    fills: tuple[Fill, ...] = ()
    source: int = -1
    keys: Ints = field(default_factory=_none)
    cum: Ints = field(default_factory=_none)
    leaves: Ints = field(default_factory=_none)
    refusals: Refusals = field(default_factory=Refusals)
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
    refusals = _feed(view, rows, source, matcher)
    command = last_command(view)
    final = np.array([(key, *left) for key, left in matcher.final().items()], dtype=np.int64).reshape(-1, 3)
    final = final[np.argsort(final[:, 0])]
    same = [reading for reading in every if _same_log(view, reading, source)]
    return Replayed(
        fills=tuple(matcher.fills),
        source=source.code,
        keys=final[:, 0],
        cum=final[:, 1],
        leaves=final[:, 2],
        refusals=refusals,
        complete=tuple(reading.code for reading in same if reading.applied_index >= command),
        applied={reading.code: min(reading.applied_index, source.commit_index) for reading in same},
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
    orders &= view.flags("entries", "committed")
    return int(view.ints("entries", "index")[orders].max(initial=0))


def _feed(view: View, rows: Ints, source: Reading, matcher: ReferenceMatcher) -> Refusals:
    """Give the commands on orders to the matcher, in the order of the log; what it makes of refusals."""
    keys = view.order_key("entries")[rows]
    kinds = [
        view.equals("entries", "type", name)[rows] & (keys >= 0) for name in ("new", "cancel", "resolve")
    ]
    decided = rulings(view, rows)
    rejected, own_words = _rejected(view, source, rows)
    believed = rejected & (decided.forbidden == 0) & (decided.open | own_words)
    refused = kinds[0] & ((decided.forbidden > 0) | believed | _traceless(view, source, keys))
    codes = np.select([refused, *kinds], [REFUSE, NEW, CANCEL, RESOLVE], 0)
    killed = _commands(view, rows, codes, matcher)
    index, first = view.ints("entries", "index")[rows], kinds[0] & _means_its_order(keys, kinds)
    return Refusals(
        forbidden=index[first & (decided.forbidden > 0)],
        rules=decided.forbidden[first & (decided.forbidden > 0)],
        due=index[first & (decided.forbidden == 0) & ~decided.open & ~np.isin(index, killed)],
        believed_untold=int((first & believed & ~own_words).sum()),
        believed_words=int((first & believed & own_words).sum()),
    )


def _commands(view: View, rows: Ints, codes: Ints, matcher: ReferenceMatcher) -> list[int]:
    """The entries of the orders that the matcher ended before they traded."""
    chosen, codes = rows[codes > 0], codes[codes > 0]
    frame = view.run.entries
    columns = zip(
        codes.tolist(),
        view.ints("entries", "index")[chosen].tolist(),
        view.order_key("entries")[chosen].tolist(),
        view.codes("entries", "account")[chosen].tolist(),
        view.codes("entries", "instrument")[chosen].tolist(),
        view.equals("entries", "side", "buy")[chosen].tolist(),
        view.ints("entries", "quantity")[chosen].tolist(),
        view.ints("entries", "price")[chosen].tolist(),
        frame["time_in_force"].to_numpy(dtype=object, na_value="")[chosen].tolist(),
        strict=True,
    )
    killed = []
    for code, index, key, account, instrument, buys, quantity, price, tif in columns:
        if code == CANCEL:
            matcher.cancel(key)
        elif code == RESOLVE:
            matcher.resolve(key)
        elif code == REFUSE:
            matcher.refuse(key)
        elif matcher.new(
            index,
            key,
            account=account,
            instrument=instrument,
            buys=buys,
            quantity=quantity,
            price=None if price == MISSING else price,
            time_in_force=tif,
        ):
            killed.append(index)
    return killed


def _means_its_order(keys: Ints, kinds: list[Bools]) -> Bools:
    """Where a command is the first of its client order id: later ones repeat it, or come after the id was closed."""
    begins = kinds[0] | kinds[2]
    where = np.flatnonzero(begins)
    first = np.zeros(len(keys), dtype=np.bool_)
    first[where[np.unique(keys[where], return_index=True)[1]]] = True
    return first


def _rejected(view: View, source: Reading, rows: Ints) -> tuple[Bools, Bools]:
    """Which entries' own executions refuse them, and which of those for a reason that is a word of the venue's own."""
    here = (view.reading("executions") == source.code) & view.equals("executions", "type", "rejected")
    at, own = view.ints("executions", "index"), own_word(view)
    index = view.ints("entries", "index")[rows]
    return np.isin(index, at[here]), np.isin(index, at[here & own])


def _traceless(view: View, source: Reading, keys: Ints) -> Bools:
    """Where an order was refused to its client and left no trace: its names may be unfit to be kept at all.

    An order without a trace that was refused to nobody is one that the venue lost: it matches here.
    """
    traced = view.order_key("executions")[view.reading("executions") == source.code]
    told = view.order_key("operations")[refused_to_clients(view)]
    return np.asarray(~np.isin(keys, traced) & np.isin(keys, told))
