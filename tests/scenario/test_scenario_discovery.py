from __future__ import annotations

from pathlib import Path

import pytest
from scenario_words import GOOD, read

from harness.model.errors import UsageError
from harness.scenario.discovery import discover, is_scenario_file


def test_folders_give_their_scenario_files_sorted(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / ".hidden").mkdir()
    for name, text in {
        "z.yaml": "scenario: z\n",
        "b/a.yml": "# note\nscenario: a\n",
        "other.yaml": "services: {}\n# scenario: no\n",
        "nested.yaml": "top:\n  scenario: x\n",
        ".hidden/x.yaml": "scenario: x\n",
        "x.txt": "scenario: x\n",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert discover([tmp_path, tmp_path / "z.yaml"]) == [tmp_path / "z.yaml", tmp_path / "b" / "a.yml"]
    assert discover([tmp_path / "other.yaml"]) == [tmp_path / "other.yaml"], "a named file is taken as it is"
    with pytest.raises(UsageError, match=r"there is no file or folder(.|\n)*next: .*harness init"):
        discover([tmp_path / "absent"])


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"scenario: x", True),
        (b'\xef\xbb\xbf"scenario" : x', True),
        (b"---\n# c\n{ends: 5s, scenario: x}", True),
        (b"--- {scenario: x}", True),
        (b"--- # c\n{scenario: x}", True),
        (b'{\n "summary": "x",\n "scenario": "a"\n}', True),
        (b"\xef\xbb\xbf{ # c\n scenario: x}", True),
        (b"---{scenario: x}", False),
        (b"{ends: 5s, scenarios: x}", False),
        (b"- scenario: x", False),
        (b"\n", False),
        (b"# scenario", False),
        (b"scenario: [broken\n\xff", True),
    ],
)
def test_a_scenario_file_has_the_key_at_its_top(tmp_path: Path, content: bytes, found: bool) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(content)
    assert is_scenario_file(path) is found


def test_what_cannot_be_read_is_no_scenario_file(tmp_path: Path) -> None:
    assert not is_scenario_file(tmp_path / "absent.yaml")


def test_people_ask_for_scenarios_by_any_of_some_tags_and_a_part_of_the_id() -> None:
    (scenario,) = read(GOOD.replace("tags: [gate]", "tags: [gate, outage]"))
    assert scenario.matches()
    assert scenario.matches(tags=["nightly", "gate"])
    assert not scenario.matches(tags=["nightly"])
    assert scenario.matches(keyword="primary-out", tags=["outage"])
    assert not scenario.matches(keyword="secondary")
    assert not scenario.matches(keyword="primary-out", tags=["nightly"])
