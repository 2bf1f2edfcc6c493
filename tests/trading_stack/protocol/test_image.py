"""The image of a store says what the real store says, whatever is written to both."""

from __future__ import annotations

import queue

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_stack.journal.events import Persist, Persisted, PersistRefused, Promise
from trading_stack.journal.image import Image, Opened, Record
from trading_stack.journal.life import Age
from trading_stack.journal.log import Log
from trading_stack.journal.snapshots import Snapshot
from trading_stack.journal.store import Outcome, Store

LIMIT_S = 10
STEPS = st.lists(
    st.sampled_from(["append", "truncate", "promise", "fenced", "snapshot", "seen", "named"]), max_size=8
)


class Writes:
    """Draws what a replica might ask for next, each kind of write in its turn."""

    def __init__(self) -> None:
        self._log = Log()
        self._epoch = 1
        self._base = 0

    def of(self, step: str, ticket: int) -> Persist:
        match step:
            case "append":
                first = self._log.last_index + 1
                entries = [
                    self._log.write(self._epoch, 0, b"%d" % number) for number in range(first, first + 3)
                ]
                return Persist(ticket, self._epoch, None, entries)
            case "truncate":
                first = max(self._base, self._log.last_index - 1) + 1
                self._log.truncate(first)
                return Persist(ticket, self._epoch, first)
            case "promise":
                self._epoch += 1
                return Persist(
                    ticket, None, promise=Promise(self._epoch, "bravo"), founders={"alpha": "x"}, proven=True
                )
            case "fenced":
                return Persist(ticket, 0, proven=False)
            case "snapshot" if self._log.last_index:
                self._base = self._log.last_index
                return Persist(ticket, None, snapshot=Snapshot.of(self._log.base_at(self._base), b"state"))
            case "seen":
                return Persist(ticket, None, seen={"other": Age(ticket, 7, 3)})
            case _:
                return Persist(ticket, None, incarnation=f"name {ticket}", proven=False)


def refusals(outcomes: list[Outcome]) -> list[PersistRefused]:
    return [outcome for outcome in outcomes if isinstance(outcome, PersistRefused)]


@settings(max_examples=25, deadline=None)
@given(steps=STEPS)
def test_it_agrees_with_the_store_on_disk(steps: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("store")
    store, outcomes, writes = Store(directory), queue.Queue[list[Outcome]](), Writes()
    store.start(outcomes.put)
    image = Image()
    image.open(store.stored.incarnation)
    assert image.stored() == store.stored
    records: list[Record] = [Opened(image.incarnation)]
    for ticket, step in enumerate(steps, 1):
        persist = writes.of(step, ticket)
        refused = image.write(persist)
        records.append(persist)
        store.write(persist)
        told = outcomes.get(timeout=LIMIT_S)
        assert refusals(told) == ([] if refused is None else [refused])
        assert told[-1] == Persisted(ticket)
    store.close()
    image.open()
    assert Store(directory).stored == image.stored()
    assert Image().after([*records, Opened()]) == image


def test_what_is_written_after_leaves_the_image_before_alone() -> None:
    before = Image("store")
    log = Log()
    after = before.after([Opened(), Persist(1, None, None, [log.write(1, 0, b"command")])])
    assert before == Image("store")
    assert (after.age, len(after.entries)) == (Age(1, 2), 1)
    assert msgspec.structs.asdict(after.stored())["incarnation"] == "store"
