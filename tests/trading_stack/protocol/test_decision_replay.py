"""A log gives the same decisions again, byte for byte; and any change of it that could matter is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from decision_story import log_of_story

from trading_stack.sentinel.replay import NoLog, main, replay

[LOG] = log_of_story()
LINES = LOG.split(b"\n")[:-1]


def where(kind: bytes, *, nth: int = 0) -> int:
    return [number for number, line in enumerate(LINES) if line.startswith(b'["' + kind)][nth]


def joined(lines: list[bytes]) -> bytes:
    return b"\n".join(lines) + b"\n"


def test_the_story_decides_a_lot() -> None:
    text = LOG.decode()
    for said in (
        "primary_suspected",
        "failover_decided",
        "certificate_issued",
        "handover_decided",
        "it works badly",
        "suspicion_cleared",
        "handover_abandoned",
    ):
        assert said in text, said
    assert text.count('"signed"') >= 2


def test_a_replay_is_equal() -> None:
    told = replay(LOG)
    assert told.difference is None
    assert not told.cut
    assert told.inputs > 1000
    assert told.decisions > 10


def test_a_decision_that_was_changed_is_found_at_its_input() -> None:
    decided = where(b"decided", nth=3)
    lines = LINES.copy()
    lines[decided] = lines[decided].replace(b"bravo", b"alpha").replace(b"charlie", b"bravo")
    assert lines != LINES
    difference = replay(joined(lines)).difference
    assert difference is not None
    assert difference.recorded == lines[decided]
    assert difference.replayed == LINES[decided]
    assert LINES[difference.line - 1].startswith(b'["input"')


def test_a_decision_that_is_missing_is_found() -> None:
    lines = LINES.copy()
    gone = lines.pop(where(b"decided", nth=3))
    difference = replay(joined(lines)).difference
    assert difference is not None
    assert (difference.recorded, difference.replayed) == (None, gone)


def test_a_decision_that_was_added_is_found() -> None:
    lines = LINES.copy()
    lines.insert(5, b'["decided",[["tell","primary_suspected",{"epoch":1}]]]')
    difference = replay(joined(lines)).difference
    assert difference is not None
    assert difference.replayed is None


def test_two_decisions_on_one_input_are_no_decision_of_ours() -> None:
    lines = LINES.copy()
    decided = where(b"decided", nth=3)
    lines.insert(decided, lines[decided])
    assert replay(joined(lines)).difference is not None


def test_a_silence_that_was_shorter_is_found() -> None:
    suspected = next(number for number, line in enumerate(LINES) if b"primary_suspected" in line)
    lines = LINES.copy()
    tick = suspected - 1
    now_ns = lines[tick].split(b",")[1]
    lines[tick] = lines[tick].replace(now_ns, str(int(now_ns) - 100_000_000).encode())
    assert replay(joined(lines)).difference is not None


def test_an_input_that_led_to_a_decision_is_missed() -> None:
    accused = next(number for number, line in enumerate(LINES) if b'["heard","charlie",[42' in line)
    assert replay(joined(LINES[:accused] + LINES[accused + 1 :])).difference is not None


def test_other_settings_are_found() -> None:
    lines = LINES.copy()
    lines[0] = lines[0].replace(b'"silence_ns":240000000', b'"silence_ns":250000000')
    assert lines != LINES
    assert replay(joined(lines)).difference is not None


@pytest.mark.parametrize("change", ["gone", "another"])
def test_what_was_signed_belongs_to_the_log(change: str) -> None:
    lines = LINES.copy()
    signed = where(b"signed")
    if change == "gone":
        del lines[signed]
    else:
        lines.insert(signed, lines[signed])
    difference = replay(joined(lines)).difference
    assert difference is not None
    assert difference.replayed is not None
    assert b"signature" in difference.replayed


def test_a_log_may_end_anywhere() -> None:
    for at in range(len(LINES[0]) + 1, len(LOG), 9973):
        told = replay(LOG[:at])
        assert told.difference is None
    assert replay(LOG[:-1]).cut
    decided = where(b"decided", nth=3)
    assert replay(joined(LINES[:decided]) + LINES[decided][:20]).missing is None, (
        "its decision was on its way"
    )


def test_a_log_that_ends_whole_before_its_decision_was_shortened() -> None:
    decided = where(b"decided", nth=3)
    told = replay(joined(LINES[:decided]))
    assert not told.cut
    assert told.difference is None
    assert told.missing is not None
    assert told.missing.replayed == LINES[decided]
    assert LINES[told.missing.line - 1].startswith(b'["input"')


STRANGE = next(line for line in LINES if b'["beat","alpha"' in line).replace(
    b'"beat","alpha"', b'"beat","delta"'
)


@pytest.mark.parametrize(
    ("log", "says"),
    [
        (b"", "line 1: the log is empty"),
        (joined(LINES[1:]), "line 1: a log begins with an opening"),
        (joined([LINES[0], b'["decided",[]]']), "line 2: nothing was told"),
        (joined([LINES[0], b"{}"]), "line 2: no record"),
        (joined([LINES[0].replace(b'["opening",3', b'["opening",9')]), "line 1: version 9"),
    ],
)
def test_what_is_no_log_says_where(log: bytes, says: str) -> None:
    with pytest.raises(NoLog, match=says):
        replay(log)


def test_the_command_says_equal_or_where_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad, none = (tmp_path / name for name in ("good.ndjson", "bad.ndjson", "none.ndjson"))
    good.write_bytes(LOG)
    decided = where(b"decided", nth=3)
    bad.write_bytes(joined(LINES[:decided] + LINES[decided + 1 :]))
    none.write_bytes(b"{}\n")
    assert main([str(good)]) == 0
    assert "equal" in capsys.readouterr().out
    assert main([str(good), str(bad)]) == 1
    assert f"bad.ndjson:{decided}: different\n  log:    nothing\n  replay: [" in capsys.readouterr().out
    assert main([str(none)]) == main([str(tmp_path / "missing")]) == main([]) == 4


def file(folder: Path, name: str, log: bytes) -> str:
    (folder / name).write_bytes(log)
    return str(folder / name)


def test_the_command_says_when_a_log_ends_too_early_or_holds_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    early = file(tmp_path, "early", joined(LINES[: where(b"decided", nth=3)]))
    assert main([early]) == 3
    assert ": the log ends before its decision\n  log:    nothing\n  replay: [" in capsys.readouterr().out
    for log in (LINES[0] + b"\n", joined([LINES[0], LINES[0]]), LINES[0] + b'\n["inp'):
        assert main([file(tmp_path, "idle", log)]) == 4
        assert "nothing to compare" in capsys.readouterr().err


def test_later_files_are_looked_at_whatever_the_first_one_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strange, good = file(tmp_path, "strange", joined([*LINES[:9], STRANGE])), file(tmp_path, "good", LOG)
    assert main([strange, str(tmp_path), good]) == 4
    told = capsys.readouterr()
    assert f"{strange}: line 10: " in told.err
    assert f"{tmp_path}: it is a folder: name the logs in it, {tmp_path}/decisions-*.ndjson" in told.err
    assert f"{good}: equal: " in told.out


def test_the_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "3 a log ends before" in " ".join(capsys.readouterr().out.split())
    assert main(["--nonsense"]) == 4
    assert "usage: python -m trading_stack.sentinel.replay" in capsys.readouterr().err
