"""Each manifest is what an API server takes that validates strictly."""

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.kubernetes.rendering import NAMES, Manifest, find, render
from tests.cluster.kubernetes.schemas import validators


@pytest.fixture(scope="module")
def by_kind(shared: Path) -> dict[str, Any]:
    return validators(shared / "reference" / "kuberay_crds")


def problems(by_kind: dict[str, Any], manifest: Manifest) -> list[str]:
    """Say what an API server would refuse, as ``where: why``."""
    return [f"{error.json_path}: {error.message}" for error in by_kind[manifest["kind"]].iter_errors(manifest)]


@pytest.mark.parametrize("overlay", NAMES)
def test_all_manifests_are_taken(by_kind: dict[str, Any], overlay: str) -> None:
    manifests = render(overlay)
    assert {(one["kind"], one["metadata"]["name"]) for one in manifests} >= {
        ("RayJob", "build-dataset"),
        ("RayJob", "train"),
        ("RayService", "affectgpt"),
        ("RayCluster", "interactive"),
    }
    for manifest in manifests:
        assert problems(by_kind, manifest) == []
        assert manifest["metadata"]["namespace"] == "affectgpt"


WRONG = {
    "an unknown field": ("RayJob", "train", ("spec", "rayClusterSpec", "headGroupSpec", "replica"), 1),
    "an unknown field of a pod": (
        "RayJob",
        "train",
        ("spec", "submitterPodTemplate", "spec", "tolerations", 0),
        {"k": ""},
    ),
    "a wrong type": ("RayService", "affectgpt", ("spec", "suspend"), "yes"),
    "a value that is none of those known": (
        ("RayCluster"),
        "interactive",
        ("spec", "autoscalerOptions", "upscalingMode"),
        "Fast",
    ),
    "an amount that is none": (
        "Deployment",
        "affectgpt-redis",
        ("spec", "template", "spec", "containers", 0, "resources", "limits", "memory"),
        "256 MB",
    ),
    "a port that is none": ("Service", "affectgpt-redis", ("spec", "ports", 0, "port"), "redis"),
    "a rule for nobody": ("NetworkPolicy", "affectgpt-redis", ("spec", "ingress", 0, "form"), []),
}


@pytest.mark.parametrize(("kind", "name", "path", "value"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_refused(by_kind: dict[str, Any], kind: str, name: str, path: tuple, value: object) -> None:
    manifest = copy.deepcopy(find(render("gpu"), kind, name))
    place = manifest
    *inner, last = path
    for key in inner:
        place = place.setdefault(key, []) if key == "tolerations" else place[key]
    place.insert(last, value) if isinstance(place, list) else place.__setitem__(last, value)
    assert len(problems(by_kind, manifest)) == 1


def test_two_containers_of_one_name_are_refused(by_kind: dict[str, Any]) -> None:
    manifest = copy.deepcopy(find(render("gpu"), "Deployment", "affectgpt-redis"))
    containers = manifest["spec"]["template"]["spec"]["containers"]
    containers.append(containers[0])
    [problem] = problems(by_kind, manifest)
    assert "two entries have name" in problem
