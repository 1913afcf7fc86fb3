"""Shared memory: whether each machine has as much as the object stores that Ray put there."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from affectgpt.doctor.check import Check, Finding, Node
from affectgpt.doctor.needs import Needs

GIB = 2**30
FOLDER = Path("/dev/shm")
_REMEDY = (
    "give the container more (docker run --shm-size, a memory-backed emptyDir at /dev/shm), or start Ray with less "
)
_REMEDY += "--object-store-memory"


class SharedMemoryCheck(Check[int]):
    """Whether Ray's object store fits the shared memory; else it is a file on disk, and slow."""

    name = "shared memory"

    def look(self, needs: Needs) -> int:
        """Measure the shared memory in bytes, whoever uses it."""
        return shutil.disk_usage(FOLDER).total if FOLDER.is_dir() else 0

    def judge(self, needs: Needs, seen: Mapping[Node, int]) -> list[Finding]:
        """Compare by machine, since nodes may share one."""
        findings: list[Finding] = []
        for host in dict.fromkeys(node.host for node in seen):
            nodes = [node for node in seen if node.host == host]
            store = sum(node.resources.get("object_store_memory", 0.0) for node in nodes)
            there = max(seen[node] for node in nodes)
            if store > there:
                found = f"{there / GIB:.1f} GiB, Ray's object stores want {store / GIB:.1f} GiB"
                findings.append(self.warning(", ".join(node.name for node in nodes), found, _REMEDY))
        if seen and not findings:
            least = min(seen.values())
            findings.append(self.ok(f"{least / GIB:.1f} GiB or more, enough for Ray's object stores"))
        return findings
