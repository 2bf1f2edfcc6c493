"""What benchmarks tell of times: each with its number, each ratio from rounds in turns."""

from __future__ import annotations

import compiled
import sim_speed


def test_the_ratio_of_compiled_code_is_told_with_its_range() -> None:
    lines = ["uniform 0 ab ok", "uniform 1 cd ok"]
    source = [compiled.Round(lines, cpu_s) for cpu_s in (2.0, 4.0, 2.0)]
    other = [compiled.Round(lines, cpu_s) for cpu_s in (1.5, 2.0, 1.8)]
    assert compiled.ratio_text(source, other) == (
        "CPU s for 2 schedules, 3 rounds in turns: source 2.00, 4.00, 2.00; compiled 1.50, 2.00, 1.80\n"
        "compiled / source: median 0.75, from 0.50 to 0.90"
    )


def test_traces_that_differ_in_any_round_are_told_once() -> None:
    one, other = compiled.Round(["a", "b"], 1.0), compiled.Round(["a", "c"], 1.0)
    assert compiled.differing([(one, one), (one, other), (one, other)]) == [("b", "c")]


def test_the_speed_of_a_run_is_told_by_both_clocks_with_their_number() -> None:
    taken = [sim_speed.Spent(2.0, 0.5), sim_speed.Spent(1.0, 0.7), sim_speed.Spent(9.0, 0.6)]
    assert sim_speed.line("all", taken) == (
        "all      n = 3:  2.000 s by the clock at the median, worst of 3  9.000 s; "
        " 0.600 s of CPU time at the median, worst of 3  0.700 s"
    )
