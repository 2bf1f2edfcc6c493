from __future__ import annotations

from pathlib import Path

from toy_observed import quote

from harness.model.quotes import QuoteBatch
from harness.observe.files import read_quotes
from harness.observe.plan import Endpoint
from harness.observe.quotes import QuotePoller
from harness.stack.adapter import Address

PRICING = Endpoint("pricing-alpha", "alpha", "127.0.0.1", 1)


class Service:
    """Publishes whatever it is told to; each start of it counts from 1."""

    def __init__(self) -> None:
        self.newest = 0
        self.dropped = 0
        self.error: Exception | None = None
        self.asked: list[int] = []

    def quotes(self, address: Address, *, since: int, deadline_s: float) -> QuoteBatch:
        self.asked.append(since)
        if self.error is not None:
            raise self.error
        batch = QuoteBatch([quote(n) for n in range(since + 1, self.newest + 1)], self.newest, self.dropped)
        self.dropped = 0
        return batch


def poller(service: Service, folder: Path) -> QuotePoller:
    return QuotePoller(service, PRICING, folder, deadline_s=1)


def cursors(folder: Path) -> list[int]:
    return [each.cursor for batch in read_quotes(folder) for each in batch.quotes]


def test_each_quote_is_written_once(tmp_path: Path) -> None:
    service, reader = Service(), None
    reader = poller(service, tmp_path)
    for newest in (3, 3, 5):
        service.newest = newest
        reader.poll()
    assert cursors(tmp_path) == [1, 2, 3, 4, 5]
    assert service.asked == [0, 3, 3]
    assert (reader.quotes, reader.missing()) == (5, "")


def test_a_service_that_was_started_again_is_read_from_its_new_start(tmp_path: Path) -> None:
    service = Service()
    reader = poller(service, tmp_path)
    service.newest = 9
    reader.poll()
    service.newest = 2
    reader.poll()
    reader.poll()
    assert cursors(tmp_path) == [*range(1, 10), 1, 2]


def test_a_service_in_the_dark_is_read_later(tmp_path: Path) -> None:
    service = Service()
    reader = poller(service, tmp_path)
    assert "never asked" in reader.missing()
    service.error = TimeoutError("dark")
    reader.poll()
    assert reader.missing() == "quotes of pricing-alpha to the end: TimeoutError: dark"
    service.error, service.newest = None, 4
    reader.poll()
    assert reader.missing() == ""
    assert cursors(tmp_path) == [1, 2, 3, 4]


def test_what_was_overwritten_unread_is_counted(tmp_path: Path) -> None:
    service = Service()
    reader = poller(service, tmp_path)
    service.newest, service.dropped = 3, 7
    reader.poll()
    assert reader.dropped == 7


def test_a_service_that_published_nothing_is_named(tmp_path: Path) -> None:
    reader = poller(Service(), tmp_path)
    reader.poll()
    assert reader.missing() == "quotes of pricing-alpha: it published none"


def test_a_last_batch_that_was_cut_is_left_out(tmp_path: Path) -> None:
    service = Service()
    reader = poller(service, tmp_path)
    for newest in (2, 4):
        service.newest = newest
        reader.poll()
    path = tmp_path / "quotes-pricing-alpha.ndjson"
    path.write_bytes(path.read_bytes()[:-5])
    assert cursors(tmp_path) == [1, 2]
