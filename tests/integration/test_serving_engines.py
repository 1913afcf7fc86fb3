"""The engines of the service say the same: vLLM, in a process of its own environment, and transformers, here."""

import asyncio
import json
import os
import subprocess
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest
from transformers import CodeGenConfig

from affectgpt.inference.asking import Answer
from affectgpt.model import AffectGPTConfig, AffectGPTForConditionalGeneration
from affectgpt.serving.engines.transformers import TransformersEngine
from affectgpt.serving.settings import read_settings
from tests.inference.trained import answer, save_trained, trained_model
from tests.integration.asked_of_engines import BATCH_SIZE, QUERIES
from tests.integration.conftest import PROJECT
from tests.integration.vllm_server import PYTHON, SETTINGS, missing
from tests.training.features.made import SMALL

SCRIPT = Path(__file__).with_name("describe_with_vllm.py")
GONE_WITHIN_S = 60.0
# Attention in vLLM wants heads of 32 at least.
WIDE = SMALL.model_copy(
    update={"language_model": SMALL.language_model.model_copy(update={"hidden_size": 64, "heads": 2})}
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_trained(tmp_path_factory.mktemp("trained") / "model", WIDE)


@pytest.fixture(scope="module")
def unsupported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a language model that transformers has and vLLM has not."""
    folder = tmp_path_factory.mktemp("unsupported") / "model"
    trained, processor = trained_model(WIDE)
    settings = {name: value for name, value in trained.config.to_dict().items() if name != "model_type"}
    sizes = {"n_positions": 1024, "n_embd": 64, "n_layer": 1, "n_head": 4, "rotary_dim": 8}
    language_model = CodeGenConfig(vocab_size=len(processor.tokenizer), **sizes)
    config = AffectGPTConfig(**settings | {"text_config": language_model.to_dict()})
    AffectGPTForConditionalGeneration(config).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def said(model: Path, unsupported: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the engine vllm said; its process was killed thereafter."""
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("temporary")
    output, log = folder / "output", folder / "log"
    # Files, since what outlives the process would keep a pipe open.
    with output.open("wb") as stdout, log.open("wb") as stderr:
        subprocess.run(
            [PYTHON, SCRIPT, model, unsupported],
            env=os.environ | SETTINGS | {"PYTHONPATH": str(PROJECT), "TMPDIR": str(folder)},
            cwd=PROJECT,
            stdout=stdout,
            stderr=stderr,
            timeout=900,
            check=False,
        )
    lines = output.read_text().splitlines()
    assert lines, log.read_text()
    left_behind = list(folder.glob("affectgpt-*"))
    return {**json.loads(lines[-1]), "left_behind": left_behind}


@pytest.fixture(scope="module")
def expected(model: Path) -> list[Any]:
    """What the engine transformers says."""
    engine = TransformersEngine(read_settings({"model": str(model)}))

    async def scene() -> list[Any]:
        return [(await engine.answer(query)).result for query in QUERIES]

    return asyncio.run(scene())


def test_both_engines_say_the_same(said: dict[str, Any], expected: list[Any]) -> None:
    for query, one, other in zip(QUERIES, said["answers"], expected, strict=True):
        if not isinstance(other, Answer):
            assert one["outcome"] == other.reason == "subtitle-too-long"
            continue
        outcome = one["outcome"]
        assert outcome["description"]["text"] == other.description.text, query.read.clip
        assert outcome["description"]["labels"] == list(other.description.labels)
        counts = (outcome["prompt_tokens"], outcome["new_tokens"], outcome["complete"])
        assert counts == (other.prompt_tokens, other.new_tokens, other.complete)
    assert expected[0].description.text == answer(True, True)
    assert expected[3].description.text == answer(False, True, "zh")


def test_clips_are_written_for_together_and_no_more_than_the_recipe_says(said: dict[str, Any]) -> None:
    batches = [one["batch"] for one in said["answers"] if isinstance(one["outcome"], dict)]
    assert batches[0] == 1
    assert max(batches) == BATCH_SIZE


def test_a_text_is_told_as_it_grows(said: dict[str, Any]) -> None:
    texts = said["texts"]
    assert len(texts) > 3 and all(later.startswith(earlier) for earlier, later in pairwise(texts))
    assert texts[-1] == said["answers"][0]["outcome"]["description"]["text"]
    slowly = said["texts_told_slowly"]
    assert slowly[-1] == texts[-1] and all(later.startswith(earlier) for earlier, later in pairwise(slowly))
    assert len(slowly) < len(texts), "several tokens come at once"


def test_vllm_stops_writing_for_a_caller_who_is_gone(said: dict[str, Any]) -> None:
    assert said["left"] == {"told": 1, "written_for": 0}
    assert said["after"]["outcome"] == said["answers"][0]["outcome"]


def test_a_temperature_beyond_vllm_is_refused_beforehand(said: dict[str, Any]) -> None:
    assert "temperature 3.0: vLLM draws at 2 at most" in said["hot"]


def test_a_language_model_that_vllm_lacks_is_refused_with_the_remedy(said: dict[str, Any]) -> None:
    assert "vLLM cannot run its language model here" in said["unsupported"]
    assert "set model_workers.engine to transformers" in said["unsupported"]
    assert "\n" not in said["unsupported"]


def test_nothing_outlives_a_worker_that_is_killed(said: dict[str, Any]) -> None:
    [core] = said["processes"]
    until = time.monotonic() + GONE_WITHIN_S
    while psutil.pid_exists(core) and time.monotonic() < until:
        time.sleep(0.1)
    assert not psutil.pid_exists(core) or psutil.Process(core).status() == psutil.STATUS_ZOMBIE
    assert not said["left_behind"]
