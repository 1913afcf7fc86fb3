import json
import shutil
from pathlib import Path

import pytest
import torch

from affectgpt.errors import RequestError
from affectgpt.inference.loading import context_of
from affectgpt.inference.preparing import Preparer
from affectgpt.serving.engines.loading import device_of, load_served
from affectgpt.serving.fingerprint import fingerprint
from affectgpt.serving.settings import read_settings


def test_the_model_is_loaded_and_known_by_its_files(model: Path) -> None:
    settings = read_settings({"model": str(model), "generation.dtype": "bfloat16"})
    loaded = load_served(settings, device_of(settings))
    assert loaded.fingerprint == fingerprint(model)
    assert loaded.model.dtype == torch.bfloat16 and not loaded.model.training
    facts = loaded.facts(Preparer(loaded.processor, context_of(loaded.model)))
    assert facts.decoding.frames == loaded.processor.frames
    assert facts.trained_on == {}
    assert facts.context == loaded.model.config.text_config.max_position_embeddings


def test_it_is_known_what_the_model_learnt_from(model: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(model, tmp_path / "model"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "trained_on": {"fine": "f" * 64}}))
    loaded = load_served(read_settings({"model": str(folder)}), "cpu")
    facts = loaded.facts(Preparer(loaded.processor, context_of(loaded.model)))
    assert facts.trained_on == {"fine": "f" * 64}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_worker_with_a_gpu_needs_one(model: Path) -> None:
    settings = read_settings({"model": str(model), "model_workers.num_gpus": 1})
    with pytest.raises(RequestError, match="device cuda: 0 GPUs"):
        load_served(settings, device_of(settings))
