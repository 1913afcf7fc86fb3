"""An examination: the nodes are found and asked, and what they saw is judged."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from affectgpt.doctor.check import ALL, Check, Finding, Node
from affectgpt.doctor.clocks import ClocksCheck
from affectgpt.doctor.disks import DisksCheck
from affectgpt.doctor.endpoints import EndpointsCheck
from affectgpt.doctor.gpus import GpusCheck
from affectgpt.doctor.looking import look_all
from affectgpt.doctor.needs import Needs
from affectgpt.doctor.nodes import ask, clock_offsets, find_nodes
from affectgpt.doctor.room import RoomCheck
from affectgpt.doctor.shared_memory import SharedMemoryCheck
from affectgpt.doctor.storage import marked_output
from affectgpt.doctor.versions import VersionsCheck
from affectgpt.doctor.weights import WeightsCheck
from affectgpt.errors import JobError

_CLUSTER: Final = "cluster"
_WAY_BACK_S: Final = 3.0
"""What a task may take beyond its checks."""


@dataclass(frozen=True)
class Examination:
    """What was found.

    Attributes:
        nodes: names of the nodes that were asked.
        findings: of all checks.
        seconds: that it took.
    """

    nodes: list[str]
    findings: list[Finding]
    seconds: float

    @property
    def healthy(self) -> bool:
        """Whether the job can run."""
        return not any(finding.state == "failed" for finding in self.findings)


def examine(needs_of: Callable[[float], Needs], limit_s: float) -> Examination:
    """Examine the cluster of RAY_ADDRESS, or this machine alone where it is not set or ``local``.

    Args:
        needs_of: what the job needs on a cluster of so many GPUs.
        limit_s: how long nodes may take to answer.
    """
    began = time.monotonic()
    try:
        nodes = find_nodes()
    except JobError as error:
        finding = Finding(_CLUSTER, ALL, "failed", str(error), "start it with the Ray and Python of this machine")
        return Examination([], [finding], time.monotonic() - began)
    needs = needs_of(sum(node.resources.get("GPU", 0.0) for node in nodes))
    with marked_output(needs) as storage:
        checks: list[Check[Any]] = [VersionsCheck(), GpusCheck(), RoomCheck(), WeightsCheck(), EndpointsCheck()]
        checks += [storage, DisksCheck(), SharedMemoryCheck()]
        answers = ask(nodes, limit_s, look_all, checks, needs, max(limit_s - _WAY_BACK_S, _WAY_BACK_S))
    silent = {node: answer for node, answer in answers.items() if isinstance(answer, Exception)}
    answered = {node: answer for node, answer in answers.items() if node not in silent}
    findings = _answering(answered, silent)
    for check in checks:
        findings += judged(check, needs, {node: seen[check.name] for node, seen in answered.items()})
    if any(node.node_id is not None for node in answered):
        findings += ClocksCheck().judge(needs, clock_offsets(list(answered)))
    names = [node.name for node in nodes]
    return Examination(names, joined(findings, names), time.monotonic() - began)


def joined(findings: Sequence[Finding], names: Sequence[str]) -> list[Finding]:
    """Make one finding of those that say the same of several nodes."""
    nodes: dict[Finding, list[str]] = {}
    for finding in findings:
        nodes.setdefault(replace(finding, node=""), []).append(finding.node)
    return [
        replace(finding, node=ALL if len(names) > 1 and set(names) <= set(who) else ", ".join(who))
        for finding, who in nodes.items()
    ]


def _answering(answered: Mapping[Node, Any], silent: Mapping[Node, Exception]) -> list[Finding]:
    """Say which nodes answered."""
    remedy = "look at the node and its raylet's log, or take it out of the cluster; jobs will wait for it or fail on it"
    findings = [Finding(_CLUSTER, node.name, "failed", _told(error), remedy) for node, error in silent.items()]
    if answered:
        findings.insert(0, Finding(_CLUSTER, ALL, "ok", f"answered: {_listed(list(answered))}"))
    return findings


def judged(check: Check[Any], needs: Needs, seen: Mapping[Node, Any]) -> list[Finding]:
    """Judge what was seen, and tell where nothing could be."""
    troubles = {node: found for node, found in seen.items() if isinstance(found, Exception)}
    remedy = "see why this hangs or fails on the node, e.g. a mount that does not answer"
    findings = [check.failed(node.name, _told(error), remedy) for node, error in troubles.items()]
    facts = {node: found for node, found in seen.items() if node not in troubles}
    return findings + (check.judge(needs, facts) if facts else [])


def _told(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    # Of a task that failed, the last line has the error itself.
    return lines[-1].strip() if lines else type(error).__name__


def _listed(nodes: Sequence[Node]) -> str:
    return ", ".join(node.name for node in nodes)
