"""Whether all processes that the job holds at once fit on the nodes: CPUs and GPUs."""

import os
from collections.abc import Mapping, Sequence

from affectgpt.dataset.room import Bundle
from affectgpt.doctor.check import ALL, Check, Finding, Node
from affectgpt.doctor.needs import Needs, Phase

KINDS = ("CPU", "GPU")
_FEWER_CPUS = (
    "processes will wait for each other; start with fewer by ray start --num-cpus, or by NODES and CPUS of make "
    "cluster-local"
)


class RoomCheck(Check[int]):
    """Whether the nodes have the CPUs and GPUs that the recipe reserves."""

    name = "room"

    def look(self, needs: Needs) -> int:
        """Count the CPUs that the system has here."""
        return len(os.sched_getaffinity(0))

    def judge(self, needs: Needs, seen: Mapping[Node, int]) -> list[Finding]:
        """Place the processes of each phase on the nodes, if nothing else runs there."""
        findings = [self._of(phase, list(seen)) for phase in needs.phases]
        per_host: dict[str, list[tuple[Node, int]]] = {}
        for node, cpus in seen.items():
            per_host.setdefault(node.host, []).append((node, cpus))
        for nodes in per_host.values():
            counted, there = sum(node.resources.get("CPU", 0.0) for node, _ in nodes), max(cpus for _, cpus in nodes)
            if counted > there:
                names = ", ".join(node.name for node, _ in nodes)
                found = f"Ray counts {counted:g} CPUs, the machine has {there}"
                findings.append(self.warning(names, found, _FEWER_CPUS))
        return findings

    def _of(self, phase: Phase, nodes: Sequence[Node]) -> Finding:
        wanted = {kind: sum(bundle.get(kind, 0.0) for bundle in phase.bundles) for kind in KINDS}
        has = {kind: sum(node.resources.get(kind, 0.0) for node in nodes) for kind in KINDS}
        said = " and ".join(f"{size:g} {kind}" for kind, size in wanted.items() if size)
        processes = f"{len(phase.bundles)} process" + "es" * (len(phase.bundles) > 1)
        there = f"{phase.what}: {processes} with {said} in all; the nodes have "
        there += " and ".join(f"{has[kind]:g} {kind}" for kind in KINDS if has[kind] or wanted[kind])
        left = unplaced(phase.bundles, [node.resources for node in nodes])
        if not left:
            return self.ok(there)
        first = " and ".join(f"{size:g} {kind}" for kind, size in left[0].items() if size)
        return self.failed(ALL, f"{there}; {len(left)} find no node, the first wants {first}", phase.remedy)


def unplaced(bundles: Sequence[Bundle], nodes: Sequence[Mapping[str, float]]) -> list[Bundle]:
    """Place processes on nodes, the largest first, each on the first node with room, and return those left over.

    Args:
        bundles: what each process reserves.
        nodes: what each node has.
    """
    free = [dict(node) for node in nodes]
    left: list[Bundle] = []
    for bundle in sorted(bundles, key=lambda one: (one.get("GPU", 0.0), one.get("CPU", 0.0)), reverse=True):
        wants = {kind: size for kind, size in bundle.items() if size > 0}
        place = next((node for node in free if all(node.get(kind, 0.0) >= size for kind, size in wants.items())), None)
        if place is None:
            left.append(bundle)
            continue
        for kind, size in wants.items():
            place[kind] -= size
    return left
