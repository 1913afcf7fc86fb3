"""Sees that the cluster has room for all processes that a job holds at once: Ray would wait for it without a word."""

import time
from collections.abc import Callable, Mapping, Sequence

import ray
from ray.autoscaler.sdk import request_resources

from affectgpt.errors import JobError

Bundle = Mapping[str, float]
"""What one process reserves, as Ray counts it."""

_EVERY_S = 1.0


def wait_for_room(bundles: Sequence[Bundle], timeout_s: float, remedy: str, say: Callable[[str], None]) -> None:
    """Wait until all processes fit on the nodes of the cluster at once, which is asked to grow if it can.

    Args:
        bundles: what each of them reserves.
        timeout_s: how long to wait.
        remedy: what to do where they do not fit.
        say: tells the person who watches.

    Raises:
        JobError: they do not fit, and did not within the time.
    """
    if _fit(bundles):
        return
    deadline = time.monotonic() + timeout_s
    totals = {name: sum(bundle.get(name, 0.0) for bundle in bundles) for name in ("CPU", "GPU")}
    wanted = " and ".join(f"{total:g} {name}" for name, total in totals.items() if total)
    has = ", ".join(f"{ray.cluster_resources().get(name, 0):g} {name}" for name in totals)
    trouble = f"{len(bundles)} processes with {wanted} in all do not fit on the cluster, which has {has}"
    say(f"waiting up to {timeout_s:g} s for room: {trouble}")
    request_resources(bundles=[dict(bundle) for bundle in bundles])
    while not _fit(bundles):
        if time.monotonic() > deadline:
            raise JobError(f"{trouble}; {remedy}")
        time.sleep(_EVERY_S)
    request_resources(bundles=[])


def _fit(bundles: Sequence[Bundle]) -> bool:
    """Whether the nodes that are alive have room for all, if nothing else runs there: the largest are placed first."""
    nodes = [dict(node["Resources"]) for node in ray.nodes() if node["Alive"]]
    for bundle in sorted(bundles, key=lambda one: (one.get("GPU", 0.0), one.get("CPU", 0.0)), reverse=True):
        wants = {name: size for name, size in bundle.items() if size > 0}
        place = next((node for node in nodes if all(node.get(name, 0.0) >= size for name, size in wants.items())), None)
        if place is None:
            return False
        for name, size in wants.items():
            place[name] -= size
    return True
