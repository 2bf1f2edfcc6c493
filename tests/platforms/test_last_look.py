from __future__ import annotations

import threading

from harness.model.errors import HarnessError
from harness.platforms.last_look import LastLook


def counter() -> LastLook[int]:
    looks: list[None] = []

    def look() -> int:
        looks.append(None)
        return len(looks)

    return LastLook(look)


def test_looks_when_the_time_is_over() -> None:
    assert counter().after(0) == 1


def test_looks_before_the_lift_if_that_comes_first() -> None:
    last = counter()
    found: list[int | None] = []
    watcher = threading.Thread(target=lambda: found.append(last.after(60)))
    watcher.start()
    while not last._watching:
        watcher.join(0.001)
    last.before_lift()
    watcher.join(5)
    assert found == [1]


def test_tells_nothing_of_what_was_lifted_before_anybody_watched() -> None:
    last = counter()
    last.before_lift()
    assert last.lifted
    assert last.after(60) is None
    last.again()
    assert last.after(0) == 1


def test_a_look_that_fails_does_not_keep_the_change_from_being_lifted() -> None:
    def fails() -> int:
        raise HarnessError("the proxy is gone")

    last = LastLook(fails)
    watcher = threading.Thread(target=lambda: last.after(60))
    watcher.start()
    while not last._watching:
        watcher.join(0.001)
    last.before_lift()
    watcher.join(5)
    assert last.lifted
