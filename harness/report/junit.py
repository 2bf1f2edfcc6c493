"""Results for CI systems: JUnit XML. FAIL is a failure, UNKNOWN an error (never a skip), not run a skip with its reason."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from harness.history.folder import write_atomically
from harness.model.outcome import Outcome
from harness.model.verdicts import Verdict
from harness.report.advice import advice
from harness.report.page import format_figure
from harness.report.suite import Judged

# What XML 1.0 cannot carry, not even escaped.
_FORBIDDEN: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def suite_xml(runs: tuple[Judged, ...]) -> bytes:
    """One test suite a run and one test case a check; a run that was not judged at all is one case named `run`."""
    root = ET.Element("testsuites", name="harness")
    for run in runs:
        _add_run(root, run)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def write_suite_xml(runs: tuple[Judged, ...], path: Path) -> None:
    """Write the JUnit file, whole or not at all."""
    write_atomically(path, suite_xml(runs))


def _add_run(root: ET.Element, run: Judged) -> None:
    name = run.meta.scenario + "".join(
        f"[{key}={value}]" for key, value in sorted(run.meta.variables.items())
    )
    suite = ET.SubElement(root, "testsuite", name=_clean(name))
    properties = ET.SubElement(suite, "properties")
    for key, value in (("seed", run.meta.seed), ("platform", run.meta.platform), ("run", run.path)):
        ET.SubElement(properties, "property", name=key, value=_clean(str(value)))
    for verdict in run.judgement.verdicts:
        _add_case(suite, name, verdict, run)
    if run.judgement.reasons or not run.judgement.verdicts:
        _add_whole(suite, name, run)
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", str(len(suite.findall("testcase/error"))))
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))


def _add_case(suite: ET.Element, name: str, verdict: Verdict, run: Judged) -> None:
    case = ET.SubElement(suite, "testcase", classname=_clean(name), name=verdict.check, time="0")
    if verdict.figures:
        properties = ET.SubElement(case, "properties")
        for figure in verdict.figures:
            ET.SubElement(properties, "property", name=figure.name, value=_clean(format_figure(figure)))
    if verdict.outcome is Outcome.PASS:
        return
    _add_problem(case, verdict.outcome, verdict.summary, _details(verdict, run))


def _add_whole(suite: ET.Element, name: str, run: Judged) -> None:
    case = ET.SubElement(suite, "testcase", classname=_clean(name), name="run", time="0")
    text = run.why_not_run or "; ".join(run.judgement.reasons) or "nothing was judged"
    _add_problem(case, run.judgement.outcome, text, text)


def _add_problem(case: ET.Element, outcome: Outcome, message: str, text: str) -> None:
    tag = {Outcome.FAIL: "failure", Outcome.NOT_RUN: "skipped"}.get(outcome, "error")
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
