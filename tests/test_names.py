"""Test modules and their helpers are imported by their base names, so each name may be used once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path


def test_every_module_below_tests_has_a_name_of_its_own() -> None:
    names = Counter(path.name for path in Path(__file__).parent.rglob("*.py") if path.name != "conftest.py")
    assert [name for name, count in names.items() if count > 1] == []
