"""Disk space: of temporary files, and of Ray's folder, to which objects are spilled."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from affectgpt.doctor.check import Check, Finding, Node
from affectgpt.doctor.needs import Needs

GIB = 2**30
LEAST_GIB = 2.0
FULL = 0.95
"""Ray makes no objects on a disk that is fuller (``local_fs_capacity_threshold``)."""


@dataclass(frozen=True)
class Disk:
    """A disk of a node.

    Attributes:
        uses: what it is used for.
        path: a folder on it.
        total: bytes.
        free: bytes that this user may still take.
    """

    uses: str
    path: str
    total: int
    free: int


class DisksCheck(Check[tuple[Disk, ...]]):
    """Whether there is room for temporary files and for spilled objects."""

    name = "disks"

    def look(self, needs: Needs) -> tuple[Disk, ...]:
        """Measure the disks that temporary files and objects go to."""
        temporary, spilling = Path(tempfile.gettempdir()), _ray_folder()
        if temporary.stat().st_dev == spilling.stat().st_dev:
            return (_disk("temporary files and spilled objects", spilling),)
        return _disk("temporary files", temporary), _disk("spilled objects", spilling)

    def judge(self, needs: Needs, seen: Mapping[Node, tuple[Disk, ...]]) -> list[Finding]:
        """Compare what is free with what Ray wants, and with the object store that may have to be spilled."""
        findings: list[Finding] = []
        for node, disks in seen.items():
            store = node.resources.get("object_store_memory", 0.0)
            for disk in disks:
                found = f"{disk.path} ({disk.uses}): {disk.free / GIB:.1f} of {disk.total / GIB:.1f} GiB free"
                if disk.free < (1 - FULL) * disk.total or disk.free < LEAST_GIB * GIB:
                    remedy = "make room, or start Ray with --temp-dir and TMPDIR on a larger disk"
                    findings.append(self.failed(node.name, found, remedy))
                elif "spilled" in disk.uses and disk.free < store:
                    remedy = "what does not fit the object store is spilled there: make room for as much again"
                    findings.append(
                        self.warning(node.name, f"{found}, the object store has {store / GIB:.1f} GiB", remedy)
                    )
        if seen and not findings:
            least = min(disk.free for disks in seen.values() for disk in disks)
            findings.append(self.ok(f"{least / GIB:.1f} GiB free or more, for temporary files and spilling"))
        return findings


def _disk(uses: str, path: Path) -> Disk:
    usage = shutil.disk_usage(path)
    return Disk(uses, str(path), usage.total, usage.free)


def _ray_folder() -> Path:
    """The folder of Ray's session where this process is part of a cluster, else where one would begin."""
    import ray
    from ray._private.worker import global_worker

    if ray.is_initialized():
        # Ray tells it nowhere else.
        return Path(global_worker.node.get_session_dir_path())
    return Path(os.environ.get("RAY_TMPDIR", tempfile.gettempdir()))
