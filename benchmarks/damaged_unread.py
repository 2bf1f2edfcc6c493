"""Which places of a store's files nobody reads, so that damage there is without consequence.

Source: the SQLite file format, https://www.sqlite.org/fileformat2.html: header, b-tree pages, freelist, WAL frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from trading_stack.journal.files import FILE, WAL
from trading_stack.journal.write_counter import COUNTER

WAL_HEADER_BYTES: Final = 32
FRAME_HEADER_BYTES: Final = 24
HEADER_BYTES: Final = 100
INTERIOR: Final = 5
LEAF: Final = 13
PAGE_HEADER_BYTES: Final = {INTERIOR: 12, LEAF: 8}

Pages = dict[int, bytes]


def unread(files: dict[str, bytes], file: str, at: int | None, *, cut: bool) -> str:
    """Why the byte at `at` (if `cut`, it and all after it) is not read."""
    if file == COUNTER:
        return "one of the write counter's two slots"
    if file != FILE or at is None:
        return f"something of {file}"
    page_bytes = int.from_bytes(files[FILE][16:18], "big")
    pages = range(at // page_bytes * page_bytes, len(files[FILE]), page_bytes) if cut else ()
    whys = {_why(files, place, page_bytes) for place in (at, *pages[1:])}
    return whys.pop() if len(whys) == 1 else "a cut through several of these"


def _why(files: dict[str, bytes], at: int, page_bytes: int) -> str:
    number, offset = at // page_bytes + 1, at % page_bytes
    newer = _newer_pages(files[WAL], page_bytes)
    if number in newer:
        return "a page that the write-ahead log replaces"
    data = files[FILE]
    pages = {
        start // page_bytes + 1: data[start : start + page_bytes] for start in range(0, len(data), page_bytes)
    }
    pages |= newer
    if number in _free(pages):
        return "a free page"
    if at < HEADER_BYTES:
        return "the database's header"
    page = pages[number]
    start = HEADER_BYTES if number == 1 else 0
    if page[start] not in PAGE_HEADER_BYTES:
        return "the rest of an overflow page"
    heads = _heads(page, start)
    if number > 1 and offset in [types for _, types in heads]:
        return "the type of a row's key, which SQLite takes from the row's number"
    if offset in [place for place, _ in heads]:
        return "a row's number, of which the order alone counts here"
    return "a cell" if any(offset in used for used in _used(page, start)) else "empty space of a page"


def _newer_pages(wal: bytes, page_bytes: int) -> Pages:
    step = FRAME_HEADER_BYTES + page_bytes
    frames = [wal[start : start + step] for start in range(WAL_HEADER_BYTES, len(wal), step)]
    return {int.from_bytes(frame[:4], "big"): frame[FRAME_HEADER_BYTES:] for frame in frames}


def _free(pages: Pages) -> set[int]:
    free: set[int] = set()
    trunk = int.from_bytes(pages[1][32:36], "big")
    while trunk:
        page = pages[trunk]
        leaves = int.from_bytes(page[4:8], "big")
        free |= {trunk, *(int.from_bytes(page[8 + 4 * n : 12 + 4 * n], "big") for n in range(leaves))}
        trunk = int.from_bytes(page[:4], "big")
    return free


def _used(page: bytes, start: int) -> Iterator[range]:
    """What is read of a b-tree page: its header, the pointers to its cells, and these."""
    kind, cells = page[start], int.from_bytes(page[start + 3 : start + 5], "big")
    pointers = start + PAGE_HEADER_BYTES[kind]
    yield range(start, pointers + 2 * cells)
    for number in range(cells):
        cell = int.from_bytes(page[pointers + 2 * number : pointers + 2 * number + 2], "big")
        yield range(cell, cell + _cell_bytes(page, cell, kind))


def _heads(page: bytes, start: int) -> list[tuple[int, int]]:
    """Of each row in a leaf: where its number is, and where it begins to say of which types its values are."""
    if page[start] != LEAF:
        return []
    first = start + PAGE_HEADER_BYTES[LEAF]
    pointers = range(first, first + 2 * int.from_bytes(page[start + 3 : start + 5], "big"), 2)
    cells = [int.from_bytes(page[place : place + 2], "big") for place in pointers]
    numbers = [cell + _varint(page, cell)[1] for cell in cells]
    return [(number, number + _varint(page, number)[1] + 1) for number in numbers]


def _cell_bytes(page: bytes, cell: int, kind: int) -> int:
    if kind == INTERIOR:
        return 4 + _varint(page, cell + 4)[1]
    payload, size = _varint(page, cell)
    most, least = len(page) - 35, (len(page) - 12) * 32 // 255 - 23
    head = size + _varint(page, cell + size)[1]
    if payload <= most:
        return head + payload
    local = least + (payload - least) % (len(page) - 4)
    return head + (local if local <= most else least) + 4


def _varint(page: bytes, at: int) -> tuple[int, int]:
    """The number, and how many bytes it takes; none here is longer than eight."""
    value, size = 0, 0
    while True:
        byte = page[at + size]
        value, size = value << 7 | byte & 0x7F, size + 1
        if byte < 0x80:
            return value, size
