"""Ray's own autoscaler and command line take the clusters, and these have room for what the recipes hold at once."""

import shlex
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.autoscaler._private.kuberay.autoscaling_config import _derive_autoscaling_config_from_ray_cr
from ray.scripts.scripts import start
from ray.serve.schema import ServeDeploySchema

from affectgpt.dataset.annotating import stages_of
from affectgpt.dataset.build import Request as BuildRequest
from affectgpt.dataset.cluster import ONE_THAT_DECODES
from affectgpt.serving.application import build
from affectgpt.serving.settings import read_settings
from affectgpt.training.room import worker_resources
from affectgpt.training.train import Request as TrainRequest
from tests.cluster.kubernetes.rendering import NAMES, PROJECT, Manifest, find, ray_clusters, render

overlays = pytest.mark.parametrize("overlay", NAMES)
RECIPES = {"cpu-test": "laptop", "gpu": "gpu", "cluster": "cluster"}
MODEL_FILES = {
    "config.json": '{"model_type": "affectgpt"}',
    "processor_config.json": "{}",
    "tokenizer.json": "{}",
    "model.safetensors": "",
}


@overlays
def test_the_autoscaler_takes_the_clusters(overlay: str) -> None:
    for name, cluster in ray_clusters(render(overlay)).items():
        assert cluster["spec"]["enableInTreeAutoscaling"] is True
        types = _derive_autoscaling_config_from_ray_cr(cluster)["available_node_types"]
        assert types["headgroup"]["resources"]["CPU"] == 0, f"{name}: tasks would run on the head"
        assert types.keys() == {"headgroup", "cpu"} | ({"gpu"} if overlay != "cpu-test" else set())
        if "gpu" in types:
            assert types["gpu"]["resources"]["GPU"] == 1
            assert types["gpu"]["min_workers"] == 0, f"{name}: a GPU would be paid for while nothing asks for it"


@overlays
def test_ray_start_takes_its_parameters(overlay: str) -> None:
    for cluster in ray_clusters(render(overlay)).values():
        groups = [("--head", cluster["spec"]["headGroupSpec"])]
        groups += [("--address=head:6379", group) for group in cluster["spec"]["workerGroupSpecs"]]
        for role, group in groups:
            options = [f"--{name}={value}" for name, value in group["rayStartParams"].items()]
            assert start.make_context("start", [role, *options]).params["head"] == (role == "--head")


def parsed(manifests: list[Manifest], name: str) -> Any:
    """Read the command of a job by the platform's own parser, with its recipe."""
    command, *arguments = shlex.split(find(manifests, "RayJob", name)["spec"]["entrypoint"])
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    module = import_module(project["project"]["scripts"][command].partition(":")[0])
    return module._request(module._parser().parse_args(arguments))


@overlays
def test_the_data_set_of_one_step_is_what_the_next_reads(overlay: str) -> None:
    manifests = render(overlay)
    built, trained = parsed(manifests, "build-dataset"), parsed(manifests, "train")
    assert isinstance(built, BuildRequest) and isinstance(trained, TrainRequest)
    assert trained.coarse == built.output
    [application] = serve_config(manifests)["applications"]
    assert application["args"]["model"] == f"{trained.output}/model"


@overlays
def test_build_dataset_has_room_for_its_recipe(overlay: str) -> None:
    manifests = render(overlay)
    entrypoint = shlex.split(find(manifests, "RayJob", "build-dataset")["spec"]["entrypoint"])
    recipe = parsed(manifests, "build-dataset").recipe
    named = entrypoint[entrypoint.index("--recipe") + 1] if "--recipe" in entrypoint else "laptop"
    assert named == RECIPES[overlay]
    pools = [stage.workers for stage in stages_of(recipe) if stage.workers is not None]
    actors = [{"CPU": pool.num_cpus, "GPU": pool.num_gpus} for pool in pools for _ in range(pool.actors)]
    assert bool(actors) == (overlay != "cpu-test")
    room = largest(manifests, "build-dataset")
    assert left_over([*actors, ONE_THAT_DECODES], room) == []
    if actors:
        assert recipe.run.timeout_s >= 1800, "a node with a GPU takes its time to come"
        one_less = room[:-1]
        assert left_over([*actors, ONE_THAT_DECODES], one_less) != [], "there would be GPUs that nothing uses"


@overlays
def test_train_has_room_for_its_workers(overlay: str) -> None:
    manifests = render(overlay)
    section = parsed(manifests, "train").recipe.workers
    assert section.count != "auto", "it counts the GPUs that are there, and at first there are none"
    room = largest(manifests, "train")
    assert left_over([worker_resources(section)] * section.count, room) == []
    assert section.gpu == any(node.get("GPU") for node in room)
    assert section.timeout_s >= 600


def serve_config(manifests: list[Manifest]) -> dict[str, Any]:
    return yaml.safe_load(find(manifests, "RayService", "affectgpt")["spec"]["serveConfigV2"])


@overlays
def test_serve_takes_its_configuration_and_has_room(overlay: str, tmp_path: Path) -> None:
    manifests = render(overlay)
    [application] = ServeDeploySchema.model_validate(serve_config(manifests)).applications
    for name, text in MODEL_FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    arguments = {**application.args, "model": str(tmp_path)}
    assert build(arguments) is not None
    assert application.import_path == f"{build.__module__}:{build.__name__}"
    recipe = read_settings(arguments).recipe
    models = {"CPU": recipe.model_workers.num_cpus, "GPU": recipe.model_workers.num_gpus}
    ingress = {"CPU": recipe.ingress_workers.num_cpus}
    replicas = [models] * recipe.model_workers.replicas.most + [ingress] * recipe.ingress_workers.replicas.most
    assert left_over(replicas, largest(manifests, "affectgpt")) == []
    assert overlay == "cpu-test" or recipe.keys.environment, "everybody could ask"


def largest(manifests: list[Manifest], name: str) -> list[dict[str, float]]:
    """Give the resources of each node of a cluster that has grown as far as it may, those with GPUs last."""
    types = _derive_autoscaling_config_from_ray_cr(ray_clusters(manifests)[name])["available_node_types"]
    nodes = [dict(one["resources"]) for one in types.values() for _ in range(one["max_workers"])]
    return sorted(nodes, key=lambda node: node.get("GPU", 0))


def left_over(bundles: list[dict[str, float]], nodes: list[dict[str, float]]) -> list[dict[str, float]]:
    """Place the largest first, each on the first node that has room; give those that find none."""
    nodes, left = [dict(node) for node in nodes], []
    for bundle in sorted(bundles, key=lambda one: (one.get("GPU", 0), one.get("CPU", 0)), reverse=True):
        place = next((node for node in nodes if all(node.get(name, 0) >= size for name, size in bundle.items())), None)
        if place is None:
            left.append(bundle)
        else:
            for name, size in bundle.items():
                place[name] = place.get(name, 0) - size
    return left
