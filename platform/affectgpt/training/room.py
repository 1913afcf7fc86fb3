"""Sees that the cluster has room for the training workers."""

from collections.abc import Callable

import ray

from affectgpt.dataset.room import wait_for_room
from affectgpt.training.recipe import WorkersSection

_REMEDY = (
    "lower workers.count or workers.num_cpus, add nodes, or raise workers.timeout_s for a cluster that takes longer to "
    "grow"
)


def worker_count(section: WorkersSection) -> int:
    """How many workers there are to be."""
    if section.count != "auto":
        return section.count
    return max(1, int(ray.cluster_resources().get("GPU", 0))) if section.gpu else 1


def worker_resources(section: WorkersSection) -> dict[str, float]:
    """What each worker reserves, as Ray counts it."""
    return {"CPU": section.num_cpus} | ({"GPU": 1.0} if section.gpu else {})


def wait_for_workers(section: WorkersSection, say: Callable[[str], None]) -> None:
    """Wait until all workers fit on the nodes of the cluster, which is asked to grow if it can.

    Raises:
        JobError: they do not, and did not within ``workers.timeout_s``.
    """
    wait_for_room([worker_resources(section)] * worker_count(section), section.timeout_s, _REMEDY, say)
