from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.model.errors import UsageError
from harness.stack.loading import load_adapter, load_object

ADAPTER = """
import helper_beside_it
class Toy:
    def connect(self, address, *, deadline_s): ...
    def invoke(self, operation, *, deadline_s): ...
    def close(self): ...
class Lame:
    def close(self): ...
number = 3
def make():
    return Toy()
"""


@pytest.fixture
def base(tmp_path: Path) -> Iterator[Path]:
    before = list(sys.path), set(sys.modules)
    (tmp_path / "toy_adapter.py").write_text(ADAPTER, encoding="utf-8")
    (tmp_path / "helper_beside_it.py").write_text("", encoding="utf-8")
    (tmp_path / "toy_broken.py").write_text("1 / 0", encoding="utf-8")
    (tmp_path / "toy_needy.py").write_text("import not_installed_anywhere", encoding="utf-8")
    yield tmp_path
    sys.path[:] = before[0]
    for name in set(sys.modules) - before[1]:
        del sys.modules[name]


@pytest.mark.parametrize("spec", ["toy_adapter:Toy", "toy_adapter.py:Toy", "toy_adapter:make"])
def test_adapters_are_found_beside_the_compose_file(base: Path, spec: str) -> None:
    assert type(load_adapter(spec, base=base)()).__name__ == "Toy"
    assert load_adapter(spec, base=base) is load_adapter(spec, base=base)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("toy_adapter", "is not `module:Name` or `path/file.py:Name`"),
        (":Toy", "is not `module:Name`"),
        ("toy_adapter:Tyo", "toy_adapter has no 'Tyo'; did you mean 'Toy'?"),
        ("toy_adapter:number", "is int, not a class that makes adapters"),
        ("toy_adapter:Lame", "lacks `connect` and `invoke`"),
        ("toy_absent:Toy", "there is no module 'toy_absent', neither installed nor in"),
        ("toy_adapter.sub:Toy", "needs|there is no module"),
        ("toy_needy:Toy", "importing toy_needy needs 'not_installed_anywhere', which is not installed"),
        ("toy_broken:Toy", "importing toy_broken failed: ZeroDivisionError: division by zero"),
        ("toy_broken.py:Toy", "importing toy_broken.py failed: ZeroDivisionError: division by zero"),
        ("absent.py:Toy", "there is no file"),
    ],
)
def test_a_wrong_name_is_told_clearly(base: Path, spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_adapter(spec, base=base)


def test_other_objects_are_loaded_by_name(base: Path) -> None:
    assert load_object("toy_adapter:number", base=base, what="thing") == 3
    assert load_object("os:path.join", base=base, what="thing") is not None
