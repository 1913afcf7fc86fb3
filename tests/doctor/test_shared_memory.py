"""Shared memory and Ray's object stores."""

import shutil

from affectgpt.doctor.check import Node
from affectgpt.doctor.needs import Needs
from affectgpt.doctor.shared_memory import GIB, SharedMemoryCheck

NOTHING = Needs((), ())


def test_it_is_measured() -> None:
    assert SharedMemoryCheck().look(NOTHING) == shutil.disk_usage("/dev/shm").total


def test_nodes_of_a_machine_share_it() -> None:
    one, two = (Node(name, name, "a", {"object_store_memory": 4.0 * GIB}) for name in ("one", "two"))
    other = Node("other", "other", "b", {"object_store_memory": 4.0 * GIB})
    [finding] = SharedMemoryCheck().judge(NOTHING, {one: 6 * GIB, two: 6 * GIB, other: 6 * GIB})
    assert (finding.state, finding.node) == ("warning", "one, two")
    assert finding.found == "6.0 GiB, Ray's object stores want 8.0 GiB" and "--shm-size" in finding.remedy
    [finding] = SharedMemoryCheck().judge(NOTHING, {one: 6 * GIB, other: 6 * GIB})
    assert finding.state == "ok"
