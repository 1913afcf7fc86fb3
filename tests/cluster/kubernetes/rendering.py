"""The manifests of an overlay, as ``kubectl apply -k`` would send them."""

import functools
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

Manifest = dict[str, Any]

PROJECT = Path(__file__).resolve().parents[3]
OVERLAYS = PROJECT / "cluster" / "kubernetes" / "overlays"
NAMES = sorted(folder.name for folder in OVERLAYS.iterdir())
CLUSTER_OF = {"RayJob": "rayClusterSpec", "RayService": "rayClusterConfig"}


def render(overlay: str) -> list[Manifest]:
    """Render an overlay by Kustomize itself; the test is skipped where it is not installed."""
    if shutil.which("kustomize"):
        return list(_render(overlay, "kustomize", "build"))
    if shutil.which("kubectl"):
        return list(_render(overlay, "kubectl", "kustomize"))
    pytest.skip("no kustomize and no kubectl: https://kubernetes.io/docs/tasks/tools/")


@functools.cache
def _render(overlay: str, *command: str) -> tuple[Manifest, ...]:
    done = subprocess.run([*command, str(OVERLAYS / overlay)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def find(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    """Give the one manifest of a kind and a name."""
    [found] = [one for one in manifests if one["kind"] == kind and one["metadata"]["name"] == name]
    return found


def ray_clusters(manifests: list[Manifest]) -> dict[str, Manifest]:
    """Give all Ray clusters by the name of what they belong to, each as a RayCluster of its own."""
    return {
        one["metadata"]["name"]: {
            "metadata": one["metadata"],
            "spec": one["spec"].get(CLUSTER_OF.get(one["kind"], ""), one["spec"]),
        }
        for one in manifests
        if one["apiVersion"].startswith("ray.io/")
    }


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Give the specification of each pod, with a name to tell it by."""
    for name, cluster in ray_clusters(manifests).items():
        yield f"{name} head", cluster["spec"]["headGroupSpec"]["template"]["spec"]
        for group in cluster["spec"]["workerGroupSpecs"]:
            yield f"{name} {group['groupName']}", group["template"]["spec"]
    for one in manifests:
        name = one["metadata"]["name"]
        if one["kind"] == "RayJob":
            yield f"{name} submitter", one["spec"]["submitterPodTemplate"]["spec"]
        if one["kind"] == "Deployment":
            yield name, one["spec"]["template"]["spec"]
