"""Reading the timeline of a scenario, and the rules that make it possible in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.documents.nodes import Listing, Mark, Node, Scalar, key_place, kind, place
from harness.documents.nodes import Mapping as MappingNode
from harness.documents.reading import read_model
from harness.documents.words import closest, listed
from harness.model.errors import Problem
from harness.model.quantities import Settings
from harness.scenario.scenario import Source, TimelineEntry, Trigger
from harness.scenario.settings import Entry, When
from harness.scenario.vocabulary import ENTRY_KEYS, Vocabulary, is_instant


@dataclass(frozen=True, slots=True)
class Frame:
    """The times that a timeline must fit into, in seconds from the start of the load; None where that isn't known."""

    steady_s: float | None
    ends_s: float | None


def read_timeline(
    node: Node | None, vocabulary: Vocabulary, frame: Frame, problems: list[Problem]
) -> tuple[TimelineEntry, ...]:
    """The entries, in the file's order; every mistake of words or of time goes to `problems`."""
    if node is None or (isinstance(node, Scalar) and node.value is None):
        return ()
    if not isinstance(node, Listing):
        problems.append(node.mark.problem(f"`timeline`: expected a list of faults, found {kind(node)}"))
        return ()
    read = [_read(item, index, vocabulary, problems) for index, item in enumerate(node.items)]
    drafts = [draft for draft in read if draft is not None]
    _name_entries(drafts, vocabulary, problems)
    words = _Words(
        vocabulary, {draft.id: draft for draft in drafts}, _ids(node) | {draft.id for draft in drafts}
    )
    entries = [(_entry(draft, words, problems), draft) for draft in drafts]
    _check_times(entries, frame, problems)
    return tuple(entry for entry, _ in entries)


def _ids(node: Listing) -> frozenset[str]:
    """The ids that the file gives, those of entries with mistakes among them."""
    named = (item.values.get("id") for item in node.items if isinstance(item, MappingNode))
    return frozenset(scalar.text for scalar in named if isinstance(scalar, Scalar))


@dataclass(slots=True)
class _Draft:
    """An entry before it is known to be possible; its settings are empty if they have a mistake."""

    node: MappingNode
    head: Entry
    parameters: Settings
    instant: bool
    id: str = ""

    def place(self, *path: str) -> Mark:
        return place(self.node, path)

    def never_ends(self) -> bool:
        """Whether only the end of the scenario heals it."""
        return self.instant or self.head.lasts_s is None


def _read(node: Node, index: int, vocabulary: Vocabulary, problems: list[Problem]) -> _Draft | None:
    path = ("timeline", index)
    if not isinstance(node, MappingNode):
        problems.append(
            node.mark.problem(f"`timeline[{index}]`: expected a fault with its keys, found {kind(node)}")
        )
        return None
    others = [key for key in node.values if key not in ENTRY_KEYS]
    head = read_model(Entry, node, problems, path=path, leave_out=others)
    named = node.values.get("fault")
    if not isinstance(named, Scalar) or not isinstance(named.value, str):
        return None
    model = vocabulary.faults.get(named.value)
    if model is None:
        near = closest(named.value, vocabulary.faults)
        hint = "" if near else f": the faults are {listed(vocabulary.faults)}"
        problems.append(named.mark.problem(f"there is no fault {named.value!r}{hint}", closest=near))
        return None
    parameters = read_model(model, node, problems, path=path, leave_out=ENTRY_KEYS)
    if head is None:
        return None
    instant = is_instant(model)
    if head.lasts_s is not None and instant:
        problems.append(
            key_place(node, ("lasts",)).problem(f"{named.value} is over at once: take `lasts` away")
        )
    return _Draft(node, head, Settings() if parameters is None else parameters, instant)


def _name_entries(drafts: Sequence[_Draft], vocabulary: Vocabulary, problems: list[Problem]) -> None:
    taken: dict[str, Mark] = {}
    for draft in drafts:
        if draft.head.id is None:
            continue
        draft.id, mark = draft.head.id, draft.place("id")
        if draft.id in taken:
            problems.append(
                mark.problem(f"the id {draft.id!r} is taken: the first is in line {taken[draft.id].line}")
            )
        elif draft.id in vocabulary.events:
            problems.append(
                mark.problem(
                    f"the id {draft.id!r} is an event of the stack: `when` could not tell them apart"
                )
            )
        taken.setdefault(draft.id, mark)
    for draft in drafts:
        if not draft.id:
            names = (
                draft.head.fault,
                *(f"{draft.head.fault}-{number}" for number in range(2, len(drafts) + 2)),
            )
            draft.id = next(name for name in names if name not in taken)
            taken[draft.id] = draft.node.mark


@dataclass(frozen=True, slots=True)
class _Words:
    """What a `when:` may name: `ids` has those of entries with mistakes, too, so that one mistake isn't told twice."""

    vocabulary: Vocabulary
    drafts: Mapping[str, _Draft]
    ids: frozenset[str]


def _entry(draft: _Draft, words: _Words, problems: list[Problem]) -> TimelineEntry:
    return TimelineEntry(
        id=draft.id,
        at_s=draft.head.at_s,
        when=None if draft.head.when is None else _trigger(draft, draft.head.when, words, problems),
        fault=draft.head.fault,
        parameters=draft.parameters,
        lasts_s=draft.head.lasts_s,
    )


def _trigger(draft: _Draft, when: When, words: _Words, problems: list[Problem]) -> Trigger:
    event, dot, edge = when.event.partition(".")
    mark = draft.place("when", "event")
    if not dot and event in words.vocabulary.events:
        return Trigger(event, when.after_s, Source.STACK)
    source = Source.END if edge == Source.END else Source.ONSET
    if event not in words.ids or (dot and edge not in (Source.ONSET, Source.END)):
        ends = (f"{name}.{end}" for name in words.drafts for end in (Source.ONSET, Source.END))
        valid = (*words.vocabulary.events, *words.drafts, *ends)
        near = closest(when.event, valid)
        hint = "" if near else f": the events are {listed(valid)}"
        problems.append(mark.problem(f"nothing here is called {when.event!r}{hint}", closest=near))
    elif event == draft.id:
        problems.append(mark.problem(f"{event!r} waits for itself"))
    elif source is Source.END and (other := words.drafts.get(event)) is not None and other.never_ends():
        problems.append(
            mark.problem(f"{event!r} has no end of its own: give it `lasts`, or wait for its onset")
        )
    return Trigger(event, when.after_s, source)


def _check_times(
    entries: Sequence[tuple[TimelineEntry, _Draft]], frame: Frame, problems: list[Problem]
) -> None:
    by_id = {entry.id: entry for entry, _ in entries}
    for entry, draft in entries:
        chain = _chain(entry, by_id)
        if chain is None:
            continue
        if chain[-1] is entry and len(chain) > 2:
            path = " → ".join(link.id for link in chain)
            mark = draft.place("when", "event")
            problems.append(mark.problem(f"{entry.id!r} can never strike, it waits in a circle: {path}"))
        elif chain[-1] is not entry or len(chain) == 1:
            _check_entry(entry, _earliest_s(chain, frame), draft, frame, problems)


def _check_entry(
    entry: TimelineEntry, onset_s: float, draft: _Draft, frame: Frame, problems: list[Problem]
) -> None:
    """`onset_s` is the onset, or the earliest that it can be when the entry waits for an event of the stack."""
    at = draft.place("at") if entry.when is None else draft.place("when")
    if frame.steady_s is not None and entry.when is None and onset_s < frame.steady_s:
        problems.append(
            at.problem(
                f"{entry.id!r} strikes at {onset_s:g}s, before the steady state is over at {frame.steady_s:g}s"
            )
        )
    if frame.ends_s is None:
        return
    if onset_s >= frame.ends_s:
        problems.append(
            at.problem(f"{entry.id!r} strikes at {onset_s:g}s, and the scenario ends at {frame.ends_s:g}s")
        )
    elif entry.lasts_s is not None and onset_s + entry.lasts_s > frame.ends_s:
        earliest = " at the earliest" if entry.when is not None else ""
        problems.append(
            draft.place("lasts").problem(
                f"{entry.id!r} is healed at {onset_s + entry.lasts_s:g}s{earliest}, "
                f"after the scenario ends at {frame.ends_s:g}s"
            )
        )


def _chain(entry: TimelineEntry, by_id: Mapping[str, TimelineEntry]) -> list[TimelineEntry] | None:
    """The entry, the one it waits for, and so on; it ends with the entry itself if that is a circle.

    None when it leads to an entry with a mistake, or into a circle of others: that is told where it stands.
    """
    chain = [entry]
    while (when := chain[-1].when) is not None and when.source is not Source.STACK:
        following = by_id.get(when.event)
        if following is None:
            return None
        if any(following is link for link in chain):
            return [*chain, following] if following is entry else None
        chain.append(following)
    return chain


def _earliest_s(chain: Sequence[TimelineEntry], frame: Frame) -> float:
    """The onset of a chain's first entry; exact, unless an event of the stack decides.

    Such an event can come right after the steady state, at the earliest.
    """
    last = chain[-1]
    onset_s = (last.at_s or 0.0) if last.when is None else (frame.steady_s or 0.0) + last.when.after_s
    for entry, waited_for in zip(reversed(chain[:-1]), reversed(chain), strict=False):
        assert entry.when is not None
        onset_s += entry.when.after_s
        onset_s += (waited_for.lasts_s or 0.0) if entry.when.source is Source.END else 0.0
    return onset_s
