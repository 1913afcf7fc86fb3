from pathlib import Path

import pytest

from affectgpt.annotate.language_model.checking import check_resident
from affectgpt.annotate.language_model.models import TransformersModel
from affectgpt.errors import RequestError
from tests.annotate.language_model.tiny_models import tiny_chat, tiny_translating
from tests.annotate.speech_to_text.tiny_whisper import tiny_whisper


def model(folder: Path, **settings: object) -> TransformersModel:
    return TransformersModel.model_validate({"engine": "transformers", "model": str(folder)} | settings)


def refusal(folder: Path, writes_speech: bool = False, **settings: object) -> str:
    with pytest.raises(RequestError) as refused:
        check_resident(model(folder, **settings), writes_speech)
    assert str(folder) in str(refused.value)
    return str(refused.value)


def test_models_that_can_come_up_are_not_refused(tmp_path: Path) -> None:
    check_resident(model(tiny_chat(tmp_path / "chat")), writes_speech=False)
    check_resident(model(tiny_whisper(tmp_path / "whisper")), writes_speech=True)


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    assert "name a model on the Hugging Face hub or a folder" in refusal(tmp_path / "nothing")


def test_a_model_without_weights(tmp_path: Path) -> None:
    assert "no weights in safetensors; download" in refusal(tiny_chat(tmp_path, weights=False))


def test_a_model_of_another_kind(tmp_path: Path) -> None:
    assert "does not write text" in refusal(tiny_translating(tmp_path / "t5"))
    chat = tiny_chat(tmp_path / "chat")
    assert "is a qwen3, which writes down no speech" in refusal(chat, writes_speech=True)


def test_a_model_that_does_not_fit_the_memory(tmp_path: Path) -> None:
    folder = tiny_chat(tmp_path)
    with (folder / "model.safetensors").open("r+b") as file:
        file.truncate(2**42)  # A file with a hole takes no room.
    said = refusal(folder)
    assert "its weights are 4096.0 GiB, and the node has" in said and "smaller model" in said


def test_a_gpu_that_is_not_there(tmp_path: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    assert "torch sees none on its node" in refusal(tiny_chat(tmp_path), num_gpus=0.5)
