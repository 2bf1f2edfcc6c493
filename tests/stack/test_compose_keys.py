from __future__ import annotations

from pathlib import Path

from harness.stack.compose_keys import LABELS, SERVICE, TOP_LEVEL, Treatment

DOCUMENT = (Path(__file__).parents[2] / "docs" / "compose.md").read_text(encoding="utf-8")


def test_the_document_shows_the_table_of_the_code() -> None:
    for table in (TOP_LEVEL, SERVICE):
        for key, (treatment, reason) in table.items():
            assert f"| `{key}` | {treatment} | {reason} |" in DOCUMENT, key
    for label, meaning in LABELS.items():
        assert f"| `{label}` | {meaning} |" in DOCUMENT


def test_every_key_says_why() -> None:
    assert all(reason for _, reason in (*TOP_LEVEL.values(), *SERVICE.values()))
    assert {treatment for treatment, _ in SERVICE.values()} == set(Treatment)
