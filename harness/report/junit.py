"""Results for CI systems: JUnit XML. FAIL is a failure, UNKNOWN an error (never a skip), not run a skip with its reason.

A run that never began because the suite was stopped is an error, too: a suite that was cut short is not green.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from harness.history.folder import write_atomically
from harness.model.outcome import Outcome
from harness.model.verdicts import Verdict
from harness.report.advice import advice
from harness.report.judged import Judged
from harness.report.names import case_name, properties_of
from harness.report.repeats import repeats_of
from harness.report.repeats_told import retried_text, told

# What XML 1.0 cannot carry, not even escaped.
_FORBIDDEN: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_TAGS: Final = {Outcome.FAIL: "failure", Outcome.UNKNOWN: "error", Outcome.NOT_RUN: "skipped"}


def suite_xml(runs: tuple[Judged, ...]) -> bytes:
    """One test suite a run and one test case a check; a run that was not judged at all is one case named `run`.

    What repeated runs come to together stands in the output of the last of them.
    """
    root = ET.Element("testsuites", name="harness", time=f"{sum(run.took_s for run in runs):.3f}")
    suites = {id(run): _add_run(root, run) for run in runs}
    for repeats in repeats_of(runs):
        output = ET.SubElement(suites[id(repeats.runs[-1])], "system-out")
        output.text = _clean("\n".join((f"{repeats.name}, repeated:", *told(repeats))))
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def write_suite_xml(runs: tuple[Judged, ...], path: Path) -> None:
    """Write the JUnit file, whole or not at all."""
    write_atomically(path, suite_xml(runs))


def _add_run(root: ET.Element, run: Judged) -> ET.Element:
    name = case_name(run.meta)
    suite = ET.SubElement(root, "testsuite", name=_clean(name), time=f"{run.took_s:.3f}")
    properties = ET.SubElement(suite, "properties")
    for key, value in (("seed", run.meta.seed), ("platform", run.meta.platform), ("run", run.path)):
        ET.SubElement(properties, "property", name=key, value=_clean(str(value)))
    if run.retried:
        ET.SubElement(properties, "property", name="retried", value=_clean(retried_text(run.retried)))
    for verdict in run.judgement.verdicts:
        _add_case(suite, name, verdict, run)
    if run.judgement.reasons or not run.judgement.verdicts:
        _add_whole(suite, name, run)
    cases = suite.findall("testcase")
    for (
        case
    ) in cases:  # all judge one run: they share its time, so that readers who add cases up get it right
        case.set("time", f"{run.took_s / len(cases):.3f}")
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", str(len(suite.findall("testcase/error"))))
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    return suite


def _add_case(suite: ET.Element, name: str, verdict: Verdict, run: Judged) -> None:
    case = ET.SubElement(suite, "testcase", classname=_clean(name), name=verdict.check)
    if verdict.figures:
        properties = ET.SubElement(case, "properties")
        for key, value in properties_of([verdict]):
            ET.SubElement(properties, "property", name=_clean(key), value=str(value))
    if verdict.outcome is Outcome.PASS:
        return
    _add_problem(case, run, verdict.outcome, verdict.summary, _details(verdict, run))


def _add_whole(suite: ET.Element, name: str, run: Judged) -> None:
    case = ET.SubElement(suite, "testcase", classname=_clean(name), name="run")
    text = run.why_not_run or "; ".join(run.judgement.reasons) or "nothing was judged"
    _add_problem(case, run, run.judgement.outcome, text, text)


def _add_problem(case: ET.Element, run: Judged, outcome: Outcome, message: str, text: str) -> None:
    tag = "error" if run.stopped else _TAGS[outcome]
    problem = ET.SubElement(case, tag, message=_clean(f"{outcome}: {message}"))
    if tag != "skipped":
        problem.set("type", str(outcome))
    problem.text = _clean(text)


def _details(verdict: Verdict, run: Judged) -> str:
    lines = [item.text for item in verdict.evidence]
    for finding in verdict.findings:
        if finding.outcome is not Outcome.PASS:
            lines.append(f"{finding.predicate} {finding.outcome}: {finding.summary}")
            lines += [f"  {item.text}" for item in finding.evidence]
    told = advice(run.meta, run.judgement, run_path=run.path)
    return "\n".join([*lines, *(told.lines() if told is not None else ())])


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("�", text)
