import importlib.util
from pathlib import Path

import pytest

from affectgpt.errors import RequestError
from affectgpt.serving.engines.choosing import load_engine
from affectgpt.serving.engines.transformers import TransformersEngine
from affectgpt.serving.settings import read_settings


def test_transformers_is_the_engine_unless_another_is_named(model: Path) -> None:
    assert isinstance(load_engine(read_settings({"model": str(model)})), TransformersEngine)


@pytest.mark.skipif(importlib.util.find_spec("vllm") is not None, reason="vLLM is installed here")
def test_without_vllm_the_remedy_is_told_and_nothing_is_left_behind(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(RequestError, match=r"vllm cannot be imported.*install it with the extra vllm.*transformers"):
        load_engine(read_settings({"model": str(model), "model_workers.engine": "vllm"}))
    assert not list(tmp_path.iterdir())


def test_no_more_context_than_the_model_has(model: Path) -> None:
    asked = {"model": str(model), "model_workers.engine": "vllm", "model_workers.vllm.context": 5000}
    with pytest.raises(RequestError, match=r"model_workers\.vllm\.context: 5000 is more than the \d+ tokens"):
        load_engine(read_settings(asked))
