"""Room on disks, as it is here and as it may be."""

import shutil
import tempfile

import pytest

from affectgpt.doctor.check import Node
from affectgpt.doctor.disks import GIB, Disk, DisksCheck
from affectgpt.doctor.needs import Needs

NOTHING = Needs((), ())
NODE = Node("one", "1", "a", {"object_store_memory": 100.0 * GIB})


def test_the_disk_of_temporary_files_is_measured() -> None:
    disks = DisksCheck().look(NOTHING)
    assert disks[0].total == shutil.disk_usage(tempfile.gettempdir()).total
    assert all(0 <= disk.free <= disk.total for disk in disks)


@pytest.mark.parametrize(
    ("disk", "state"),
    [
        (Disk("spilled objects", "/ray", 1000 * GIB, 200 * GIB), "ok"),
        (Disk("spilled objects", "/ray", 1000 * GIB, 90 * GIB), "warning"),
        (Disk("temporary files", "/tmp", 1000 * GIB, 90 * GIB), "ok"),
        # Beyond what Ray fills, and too little for anything.
        (Disk("temporary files", "/tmp", 1000 * GIB, 40 * GIB), "failed"),
        (Disk("temporary files", "/tmp", 10 * GIB, GIB), "failed"),
    ],
)
def test_room_is_judged(disk: Disk, state: str) -> None:
    [finding] = DisksCheck().judge(NOTHING, {NODE: (disk,)})
    assert finding.state == state
