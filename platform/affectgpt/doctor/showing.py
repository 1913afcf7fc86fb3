"""Findings as a table for a person, and as JSON for a program."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from affectgpt.doctor.examination import Examination

_MARKS: Final = {"ok": "ok", "warning": "warning", "failed": "FAILED"}


def as_table(examination: Examination) -> str:
    """Lay findings out in columns, each trouble with its remedy below it, and sum them up in the last line."""
    findings = examination.findings
    widths = [_width("check", [one.check for one in findings]), max(map(len, _MARKS.values()))]
    widths.append(_width("node", [one.node for one in findings]))
    lines = [_line(widths, "check", "state", "node", "found")]
    for finding in findings:
        lines.append(_line(widths, finding.check, _MARKS[finding.state], finding.node, finding.found))
        if finding.remedy:
            lines.append(_line(widths, "", "", "", f"-> {finding.remedy}"))
    return "\n".join([*lines, _summary(examination)])


def as_json(examination: Examination) -> str:
    """Write all of it as JSON."""
    content = {
        "healthy": examination.healthy,
        "nodes": examination.nodes,
        "seconds": round(examination.seconds, 2),
        "findings": [asdict(finding) for finding in examination.findings],
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def _width(title: str, cells: Sequence[str]) -> int:
    return max(map(len, (title, *cells)))


def _line(widths: Sequence[int], *cells: str) -> str:
    *first, last = cells
    return "  ".join([*(cell.ljust(width) for cell, width in zip(first, widths, strict=True)), last]).rstrip()


def _summary(examination: Examination) -> str:
    failed = sum(finding.state == "failed" for finding in examination.findings)
    warnings = sum(finding.state == "warning" for finding in examination.findings)
    verdict = "the job can run" if examination.healthy else "the job will not run"
    return f"{verdict}: {failed} failed, {warnings} warnings, {examination.seconds:.1f} s"
