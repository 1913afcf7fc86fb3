"""Sees that the cluster has room for the training workers: Ray itself would wait for it without a word, for ever."""

import time
from collections.abc import Callable

import ray
from ray.autoscaler.sdk import request_resources

from affectgpt.errors import JobError
from affectgpt.training.recipe import WorkersSection

_EVERY_S = 1.0


def worker_count(section: WorkersSection) -> int:
    """How many workers there are to be."""
    if section.count != "auto":
        return section.count
    return max(1, int(ray.cluster_resources().get("GPU", 0))) if section.gpu else 1


def worker_resources(section: WorkersSection) -> dict[str, float]:
    """What each worker reserves, as Ray counts it."""
    return {"CPU": section.num_cpus} | ({"GPU": 1.0} if section.gpu else {})


def wait_for_room(section: WorkersSection, say: Callable[[str], None]) -> None:
    """Wait until all workers fit on the nodes of the cluster, which is asked to grow if it can.

    Raises:
        JobError: they do not, and did not within ``workers.timeout_s``.
    """
    bundle, count = worker_resources(section), worker_count(section)
    deadline = time.monotonic() + section.timeout_s
    if _room_for(bundle) >= count:
        return
    wanted = f"{count} workers with {' and '.join(f'{size:g} {name}' for name, size in bundle.items())} each"
    has = ", ".join(f"{ray.cluster_resources().get(name, 0):g} {name}" for name in bundle)
    say(f"waiting up to {section.timeout_s:g} s for room: {wanted} do not fit on the cluster, which has {has}")
    request_resources(bundles=[bundle] * count)
    while _room_for(bundle) < count:
        if time.monotonic() > deadline:
            raise JobError(
                f"{wanted} do not fit on the cluster, which has {has}; lower workers.count or workers.num_cpus, add "
                "nodes, or raise workers.timeout_s for a cluster that takes longer to grow"
            )
        time.sleep(_EVERY_S)
    request_resources(bundles=[])


def _room_for(bundle: dict[str, float]) -> int:
    """How many workers fit on the nodes that are alive, if nothing else runs there."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    wants = {name: size for name, size in bundle.items() if size > 0}
    return sum(min(int(node.get(name, 0.0) / size) for name, size in wants.items()) if wants else 1 for node in nodes)
