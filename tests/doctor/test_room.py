"""Whether what a job holds at once fits on nodes."""

import pytest

from affectgpt.doctor.check import Node
from affectgpt.doctor.needs import Needs, Phase
from affectgpt.doctor.room import RoomCheck, unplaced


@pytest.mark.parametrize(
    ("bundles", "nodes", "left"),
    [
        ([{"CPU": 1, "GPU": 1}] * 2, [{"CPU": 8, "GPU": 1}] * 2, 0),
        ([{"CPU": 1, "GPU": 1}] * 3, [{"CPU": 8, "GPU": 1}] * 2, 1),
        # Enough in all, and on no node at once.
        ([{"CPU": 4}], [{"CPU": 2}] * 3, 1),
        # The small one must not take the only GPU's node first.
        ([{"CPU": 2}, {"CPU": 2, "GPU": 1}], [{"CPU": 2, "GPU": 1}, {"CPU": 2}], 0),
        ([{"CPU": 0, "GPU": 0}], [{}], 0),
    ],
)
def test_processes_are_placed_on_nodes(bundles, nodes, left) -> None:
    assert len(unplaced(bundles, nodes)) == left


def node(name: str, host: str = "a", **resources: float) -> Node:
    return Node(name, name, host, resources)


def test_what_finds_no_node_is_said_with_its_remedy() -> None:
    needs = Needs((), (Phase("training", ({"CPU": 4.0, "GPU": 1.0},) * 2, "lower workers.count"),))
    [finding] = RoomCheck().judge(needs, {node("one", CPU=8, GPU=1): 8})
    assert finding.state == "failed"
    assert "2 processes with 8 CPU and 2 GPU in all; the nodes have 8 CPU and 1 GPU; 1 find no node" in finding.found
    assert finding.remedy == "lower workers.count"


def test_nodes_that_share_a_machine_may_not_have_more_cpus_than_it_has() -> None:
    needs = Needs((), (Phase("annotating", ({"CPU": 1.0},), ""),))
    shared = {node("one", CPU=2): 2, node("two", CPU=2): 2, node("three", host="b", CPU=2): 2}
    findings = RoomCheck().judge(needs, shared)
    assert [finding.state for finding in findings] == ["ok", "warning"]
    assert (findings[1].node, findings[1].found) == ("one, two", "Ray counts 4 CPUs, the machine has 2")
