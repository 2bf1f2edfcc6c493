from __future__ import annotations

import itertools
from collections import Counter

import pytest

from harness.load.probes import RECONNECTING_CLIENT, probe_client
from harness.load.profiles import PROFILES
from harness.load.register_flow import SHARED_KEYS, RegisterFlow, register_probes
from harness.load.timed import PROBE, RECONNECT, TimedOperation
from harness.load.workload import RegisterWorkload, workload_of
from harness.model.errors import AdapterError
from harness.model.operations import CompareAndSet, ReadRegister, RegisterKind, WriteRegister

GATEWAYS = ("alpha", "bravo", "charlie")
ALL = tuple(RegisterKind)


def flow(
    count: int = 4_000, *, kinds: tuple[RegisterKind, ...] = ALL, seed: int = 7, worker: str = "flow-0"
) -> list[TimedOperation]:
    stream = RegisterFlow(kinds, GATEWAYS, profile=PROFILES["steady"], per_s=200, seed=seed, worker=worker)
    return list(itertools.islice(stream, count))


def test_the_seed_decides_the_flow() -> None:
    assert flow() == flow()
    assert flow() != flow(seed=8)


def test_no_value_is_written_twice_by_any_worker() -> None:
    written = [
        timed.operation.value
        for worker in ("flow-0", "flow-1")
        for timed in flow(worker=worker)
        if not isinstance(timed.operation, ReadRegister)
    ]
    assert len(set(written)) == len(written)


def test_half_meets_on_shared_registers_and_half_is_written_once() -> None:
    sent = flow()
    keys = Counter(timed.operation.key for timed in sent)
    shared = {key for key in keys if key.startswith("shared-")}
    assert len(shared) == SHARED_KEYS
    assert 0.45 < sum(keys[key] for key in shared) / len(sent) < 0.55
    assert all(count == 1 for key, count in keys.items() if key not in shared)
    kinds = Counter(type(timed.operation) for timed in sent if timed.operation.key in shared)
    assert set(kinds) == {ReadRegister, WriteRegister, CompareAndSet}


def test_a_compare_and_set_expects_what_was_written_last() -> None:
    latest: dict[str, str] = {}
    for timed in flow():
        operation = timed.operation
        if isinstance(operation, CompareAndSet):
            assert operation.expected == latest.get(operation.key)
        if not isinstance(operation, ReadRegister):
            latest[operation.key] = operation.value


def test_a_store_without_compare_and_set_is_not_asked_for_one() -> None:
    kinds = {type(timed.operation) for timed in flow(kinds=(RegisterKind.READ, RegisterKind.WRITE))}
    assert kinds == {ReadRegister, WriteRegister}


def test_each_probe_writes_a_register_of_its_own_through_its_client() -> None:
    sent = list(itertools.islice(register_probes(GATEWAYS, first_gateway="bravo", every_ns=20_000_000), 400))
    assert [timed.due_ns for timed in sent] == sorted(timed.due_ns for timed in sent)
    assert {timed.client for timed in sent} == {*map(probe_client, GATEWAYS), RECONNECTING_CLIENT}
    assert all(
        timed.purpose == (RECONNECT if timed.client == RECONNECTING_CLIENT else PROBE) for timed in sent
    )
    assert len({timed.operation.key for timed in sent}) == 400


class Store:
    kinds: tuple[str, ...] = ("read", "write")

    def registers(self) -> list[str]:
        return list(self.kinds)


def test_an_adapter_that_declares_registers_gets_their_load() -> None:
    workload = workload_of(Store())
    assert isinstance(workload, RegisterWorkload)
    assert workload.kinds == (RegisterKind.READ, RegisterKind.WRITE)


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        (("read", "write", "delete"), "lists 'delete': the kinds are read, write, cas"),
        (("read", "cas"), "lists no write"),
    ],
)
def test_kinds_that_make_no_sense_are_refused(kinds: tuple[str, ...], message: str) -> None:
    store = Store()
    store.kinds = kinds
    with pytest.raises(AdapterError, match=message):
        workload_of(store)
