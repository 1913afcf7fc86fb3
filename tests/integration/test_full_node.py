"""The disk of one node of several is full: what the node cannot do others do."""

from pathlib import Path

import pytest
import ray
from ray.cluster_utils import Cluster

from affectgpt.exit_status import DONE
from tests.integration.made import write_clips
from tests.integration.small_disk import fill, small_disk
from tests.integration.test_lost_nodes import CLIPS, check, start

pytestmark = pytest.mark.cluster

ROOM = 64 * 1024 * 1024


@pytest.mark.parametrize("before", [True, False], ids=["before", "during"])
def test_a_node_without_room_costs_no_clip(before: bool, tmp_path: Path) -> None:
    clips = write_clips(tmp_path / "clips", CLIPS)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    with small_disk(ROOM) as disk:
        try:
            cluster.add_node(num_cpus=1, temp_dir=str(disk))
            cluster.wait_for_nodes()
            if before:
                fill(disk)
            run = start(clips, tmp_path / "out", cluster)
            if not before:
                fill(disk)
            _, errors = run.communicate(timeout=900)
        finally:
            cluster.shutdown()
            ray.shutdown()
    assert run.returncode == DONE, errors
    check(tmp_path / "out")
