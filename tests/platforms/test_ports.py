from __future__ import annotations

import socket
from pathlib import Path

import pytest

from harness.model.errors import EnvironmentUnfit
from harness.platforms.ports import HOST, Ports, is_free

pytestmark = pytest.mark.processes


def test_each_port_is_given_out_once_even_between_runs(tmp_path: Path) -> None:
    one, other = Ports(folder=tmp_path, start=0), Ports(folder=tmp_path, start=0)
    taken = [ports.take() for ports in (one, other) for _ in range(70)]
    assert len(set(taken)) == len(taken)
    one.close()
    other.close()
    again = Ports(folder=tmp_path, start=0)
    assert again.take() == min(taken)
    again.close()


def test_a_port_that_is_taken_is_passed_over(tmp_path: Path) -> None:
    ports = Ports(folder=tmp_path, start=7)
    first = ports.take()
    ports.close()
    with socket.create_server((HOST, first)):
        assert not is_free(first)
        again = Ports(folder=tmp_path, start=7)
        assert again.take() != first
        again.close()


def test_no_port_left_is_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.platforms.ports.is_free", lambda _: False)
    ports = Ports(folder=tmp_path)
    with pytest.raises(EnvironmentUnfit, match="is free") as error:
        ports.take()
    assert error.value.next_step is not None
    ports.close()
    ports.close()
