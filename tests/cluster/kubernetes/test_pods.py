"""Pods are bound, find what they name, and are of the version that the platform is of."""

from pathlib import Path

import pytest
import yaml

import affectgpt
from tests.cluster.kubernetes.rendering import NAMES, PROJECT, Manifest, find, pods, ray_clusters, render

SECRETS = {"affectgpt", "affectgpt-redis"}
SPOT = "cloud.google.com/gke-spot", "kubernetes.azure.com/scalesetpriority", "spot"
REAL = [name for name in NAMES if name != "cpu-test"]

overlays = pytest.mark.parametrize("overlay", NAMES)


@overlays
def test_no_pod_is_root_or_can_become_it(overlay: str) -> None:
    for name, pod in pods(render(overlay)):
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 0, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in pod["containers"] + pod.get("initContainers", []):
            bounds = container["securityContext"]
            assert bounds["allowPrivilegeEscalation"] is False, name
            assert bounds["capabilities"] == {"drop": ["ALL"]}, name
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), name
            assert "memory" in container["resources"]["limits"], name


@overlays
def test_the_user_of_the_pods_is_that_of_the_image(overlay: str) -> None:
    image = (PROJECT / "cluster" / "image" / "Containerfile").read_text(encoding="utf-8")
    users = {pod["securityContext"]["runAsUser"] for name, pod in pods(render(overlay)) if name != "affectgpt-redis"}
    assert users == {1000}
    assert "\nUSER 1000\n" in image


@overlays
def test_only_heads_may_speak_to_kubernetes(overlay: str) -> None:
    manifests = render(overlay)
    assert find(manifests, "ServiceAccount", "affectgpt")["automountServiceAccountToken"] is False
    for name, pod in pods(manifests):
        asks = pod.get("automountServiceAccountToken", name == "affectgpt-redis" and None)
        assert bool(asks) == name.endswith(" head"), name


@overlays
def test_what_pods_name_is_there_and_keys_are_in_no_file(overlay: str) -> None:
    manifests = render(overlay)
    there = {(one["kind"], one["metadata"]["name"]) for one in manifests}
    assert not any(kind == "Secret" for kind, _ in there)
    for name, pod in pods(manifests):
        if "serviceAccountName" in pod:
            assert ("ServiceAccount", pod["serviceAccountName"]) in there, name
        volumes = {volume["name"] for volume in pod.get("volumes", [])}
        for volume in pod.get("volumes", []):
            if claim := volume.get("persistentVolumeClaim"):
                assert ("PersistentVolumeClaim", claim["claimName"]) in there, name
        for container in pod["containers"] + pod.get("initContainers", []):
            assert {mount["name"] for mount in container.get("volumeMounts", [])} <= volumes, name
            for source in container.get("envFrom", []):
                if "configMapRef" in source:
                    assert ("ConfigMap", source["configMapRef"]["name"]) in there, name
                else:
                    assert source["secretRef"]["name"] in SECRETS, name


def test_the_readme_makes_every_secret_that_is_named() -> None:
    readme = (PROJECT / "cluster" / "README.md").read_text(encoding="utf-8")
    for name in SECRETS:
        assert f"create secret generic {name} " in readme


@overlays
def test_the_service_finds_its_redis(overlay: str) -> None:
    manifests = render(overlay)
    options = ray_clusters(manifests)["affectgpt"]["spec"]["gcsFaultToleranceOptions"]
    host, port = options["redisAddress"].split(":")
    service, redis = find(manifests, "Service", host), find(manifests, "Deployment", host)
    [offered] = service["spec"]["ports"]
    [container] = redis["spec"]["template"]["spec"]["containers"]
    assert offered["port"] == int(port)
    assert offered["targetPort"] in {one["name"] for one in container["ports"]}
    labels = redis["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    [variable] = container["env"]
    assert variable["valueFrom"] == options["redisPassword"]["valueFrom"]
    assert f"$({variable['name']})" in container["args"]


@overlays
def test_versions_are_those_of_the_platform(overlay: str) -> None:
    manifests = render(overlay)
    device = "cpu" if overlay == "cpu-test" else "gpu"
    pinned = (PROJECT / "cluster" / "constraints" / f"{device}.txt").read_text(encoding="utf-8").splitlines()
    for name, cluster in ray_clusters(manifests).items():
        assert f"ray=={cluster['spec']['rayVersion']}" in pinned, name
    images = {pod["containers"][0]["image"] for name, pod in pods(manifests) if name != "affectgpt-redis"}
    [image] = images
    assert image.endswith(f"affectgpt:{affectgpt.__version__}-{device}")


@pytest.mark.parametrize("overlay", REAL)
def test_workers_may_be_on_spot_nodes_and_heads_never(overlay: str) -> None:
    for name, pod in pods(render(overlay)):
        tolerated = {one["key"] for one in pod.get("tolerations", [])}
        if name.endswith(" head"):
            assert not tolerated, name
            assert avoided(pod) >= {("cloud.google.com/gke-spot", "true"), ("karpenter.sh/capacity-type", "spot")}, name
        elif name.endswith((" cpu", " gpu")):
            assert tolerated >= set(SPOT), name
        if name.endswith(" gpu"):
            assert "nvidia.com/gpu" in tolerated, name


def avoided(pod: Manifest) -> set[tuple[str, str]]:
    """Say on nodes of which labels a pod never is."""
    required = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    [term] = required["nodeSelectorTerms"]
    return {(one["key"], *one["values"]) for one in term["matchExpressions"] if one["operator"] == "NotIn"}


@overlays
def test_one_file_says_what_runs_and_nothing_costs_before(overlay: str) -> None:
    manifests = render(overlay)
    folder = PROJECT / "cluster" / "kubernetes" / "overlays" / overlay
    file = folder / "running.yaml"
    said = list(yaml.safe_load_all((file if file.exists() else with_running(folder)).read_text(encoding="utf-8")))
    for one in said:
        rendered = find(manifests, one["kind"], one["metadata"]["name"])
        assert rendered["spec"]["suspend"] is one["spec"]["suspend"]
    assert [one["metadata"]["name"] for one in said if not one["spec"]["suspend"]] == ["build-dataset"]
    assert len(said) == len(ray_clusters(manifests))


def with_running(folder: Path) -> Path:
    """Give the file of the overlay that this one builds upon."""
    [base] = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
    return folder / base / "running.yaml"
