"""Whole runs of ``train``: on several nodes, with real architectures, without a cache, and into trouble."""

import json
from pathlib import Path

import pytest
import ray
from ray.cluster_utils import Cluster

from affectgpt.model import AffectGPTForConditionalGeneration, AffectGPTProcessor
from tests.integration.s3_server import S3Server
from tests.integration.training import SMALL, losses, make_data, run_train
from tests.model.tiny import tiny_clip, tiny_hubert, tiny_qwen3

COARSE = ("--stages", "coarse")
BRANCH = {"hidden_size": 16, "heads": 2, "layers": 1, "queries": 2}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


@pytest.mark.cluster
def test_real_architectures_train_by_the_gpu_recipe_on_two_nodes(data: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    stage = {"batch_size": 4, "micro_batch_size": 2, "epochs": None, "steps": 3}
    sizes = {
        "model.language_model.source": str(tiny_qwen3(tmp_path / "qwen3")),
        "model.vision.encoder": str(tiny_clip(tmp_path / "clip")),
        "model.audio.encoder": str(tiny_hubert(tmp_path / "hubert")),
        **{f"model.{sense}.{key}": size for sense in ("vision", "audio") for key, size in BRANCH.items()},
        **{f"stages.{name}.{key}": value for name in ("coarse", "fine") for key, value in stage.items()},
        "workers": {"count": 2, "num_cpus": 1, "gpu": False},
        "features.num_gpus": 0,
        "report.described": 2,
        "report.max_new_tokens": 4,
        "report.log_every_steps": 1,
    }
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        options = ["--recipe", "gpu", "--fine", str(data / "fine.csv"), "--media", str(data / "media")]
        done = run_train(data, output, sizes, *options, small=False, env={"RAY_ADDRESS": cluster.address})
    finally:
        cluster.shutdown()
        ray.shutdown()
    assert done.returncode == 0, done.stderr
    assert sorted(losses(output, "coarse")) == sorted(losses(output, "fine")) == [1, 2, 3]
    model = AffectGPTForConditionalGeneration.from_pretrained(output / "model")
    assert type(model.language_model).__name__ == "Qwen3ForCausalLM"
    assert {type(model.vision_encoder).__name__, type(model.audio_encoder).__name__} == {
        "CLIPVisionModel",
        "HubertModel",
    }
    assert AffectGPTProcessor.from_pretrained(output / "model").fused_tokens == 1
    for stage_name in ("coarse", "fine"):
        outcome = json.loads((output / "stages" / stage_name / "outcome.json").read_text(encoding="utf-8"))
        assert outcome["exported_loss"] == pytest.approx(outcome["chosen_loss"], rel=0.03)
        assert 0 < outcome["trained"] < outcome["parameters"]
    report = json.loads((output / "report.json").read_text(encoding="utf-8"))
    assert [stage["name"] for stage in report["stages"]] == ["coarse", "fine"]
    assert (output / "report.html").exists()
    assert set(model.config.trained_on) == {"coarse", "fine"}
    card = (output / "model" / "README.md").read_text(encoding="utf-8")
    assert all(fingerprint in card for fingerprint in model.config.trained_on.values())


@pytest.mark.cluster
def test_two_workers_train_an_encoder_on_clips_that_are_decoded_as_they_are_needed(data: Path, tmp_path: Path) -> None:
    """All paths are relative to the folder in which the command is given."""
    output = tmp_path / "out"
    tiny_clip(tmp_path / "clip")
    settings = {
        "model.vision.encoder": "clip",
        "features.enabled": False,
        "stages.coarse.trainable": {"language_model": "full", "vision_encoder": "full"},
        "stages.coarse.steps": 4,
        "data.validation_fraction": 0,
        "workers": {"count": 2, "num_cpus": 0.5},
    }
    done = run_train(data, "out", settings, *COARSE, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(losses(output, "coarse")) == [1, 2, 3, 4]
    assert not (output / "features").exists()
    report = json.loads((output / "report.json").read_text(encoding="utf-8"))
    assert report["datasets"][0]["validation_clips"] == 0
    assert report["stages"][0]["chosen_step"] is None
    before, after = (
        AffectGPTForConditionalGeneration.from_pretrained(output / folder).vision_encoder.state_dict()
        for folder in ("stages/initial/model", "model")
    )
    assert any((before[name] != after[name]).any() for name in before)


@pytest.mark.cluster
def test_a_run_that_lives_in_an_object_store(data: Path, s3: S3Server) -> None:
    """Output, checkpoints, features and clips are in a bucket; a second command finds everything done."""
    s3.upload({f"clips/{clip.name}": clip for clip in (data / "media").iterdir()})
    output = f"s3://{s3.bucket}/run"
    options = ["--fine", str(data / "fine.csv"), "--media", f"s3://{s3.bucket}/clips", "--stages", "fine"]
    settings = {"stages.fine": SMALL["stages.coarse"] | {"data": {"fine": 1.0}, "inherit": "initial", "steps": 5}}
    done = run_train(data, output, settings, *options, env=s3.environment())
    assert done.returncode == 0, done.stderr
    names = {entry["Key"] for entry in s3.client().list_objects_v2(Bucket=s3.bucket, Prefix="run/")["Contents"]}
    assert {
        f"run/{name}" for name in ("report.html", "metrics.jsonl", "model/model.safetensors", "model/README.md")
    } <= names
    assert any(name.startswith("run/stages/fine/checkpoints/checkpoint_") for name in names)
    assert any(name.startswith("run/features/audio/") for name in names)
    again = run_train(data, output, settings, *options, env=s3.environment())
    assert again.returncode == 0, again.stderr
    assert "stage fine: done before" in again.stderr


def test_a_loss_that_is_no_number_stops_the_run_and_names_the_batch(data: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    settings = {"stages.coarse.learning_rate": 1e30, "stages.coarse.warmup": 0.0, "checkpoints.every_steps": 1}
    done = run_train(data, output, settings, *COARSE)
    assert done.returncode == 1, done.stderr
    assert "stage coarse, step" in done.stderr
    assert "coarse/000" in done.stderr
    assert not (output / "model").exists()


def test_too_little_memory_is_said_before_the_first_step(data: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    huge = {"stages.coarse.batch_size": 10**9, "stages.coarse.micro_batch_size": 10**9}
    done = run_train(data, output, huge, *COARSE)
    assert done.returncode == 1, done.stderr
    assert "GiB for each worker" in done.stderr
    assert "micro_batch_size" in done.stderr
    assert not (output / "metrics.jsonl").exists()


def test_workers_that_do_not_fit_on_the_cluster_are_not_waited_for_in_silence(data: Path, tmp_path: Path) -> None:
    done = run_train(data, tmp_path / "out", {"workers": {"count": 500, "timeout_s": 1.0}}, *COARSE)
    assert done.returncode == 1, done.stderr
    assert "waiting up to 1 s for room: 500 processes with 500 CPU in all" in done.stderr
    assert "lower workers.count" in done.stderr
