import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import PreTrainedTokenizerBase, ProcessorMixin

from affectgpt.annotate.language_model.transformers_loading import (
    Checkpoint,
    check_device,
    is_out_of_memory,
    quoted,
)
from affectgpt.errors import RequestError
from tests.annotate.language_model.tiny_models import (
    tiny_chat,
    tiny_hearing,
    tiny_omni,
    tiny_seeing,
    tiny_translating,
)


def test_a_text_model_comes_with_its_tokenizer(tmp_path: Path) -> None:
    found = Checkpoint.find(str(tiny_chat(tmp_path)))
    model = found.model("cpu", "bfloat16")
    assert type(model).__name__ == "Qwen3ForCausalLM"
    assert (model.dtype, model.training, found.revision) == (torch.bfloat16, False, "local")
    assert isinstance(found.processor(), PreTrainedTokenizerBase)


def test_models_with_senses_come_with_their_processors(tmp_path: Path) -> None:
    for make, name in ((tiny_seeing, "Llava"), (tiny_hearing, "Qwen2Audio")):
        found = Checkpoint.find(str(make(tmp_path / name)))
        assert type(found.model("cpu", "auto")).__name__ == f"{name}ForConditionalGeneration"
        assert isinstance(found.processor(), ProcessorMixin)


def test_of_a_model_that_speaks_only_what_writes_is_loaded(tmp_path: Path) -> None:
    stored = load_file(tiny_omni(tmp_path) / "model.safetensors")
    loaded = Checkpoint.find(str(tmp_path)).model("cpu", "float32").state_dict()
    assert {f"thinker.{name}" for name in loaded} == set(stored)
    assert all(stored[f"thinker.{name}"].equal(value) for name, value in loaded.items())


def test_no_such_model(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"nowhere cannot be loaded: .*; name a model on the Hugging Face hub"):
        Checkpoint.find(str(tmp_path / "nowhere"))


def test_a_model_that_does_not_write_text(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="a t5 does not write text; name a causal language model"):
        Checkpoint.find(str(tiny_translating(tmp_path)))


def test_code_of_a_repository_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "own", "auto_map": {"AutoConfig": "own.Own"}}))
    (tmp_path / "own.py").write_text("raise SystemExit('it was run')")
    with pytest.raises(RequestError, match="cannot be loaded"):
        Checkpoint.find(str(tmp_path))


def test_no_weights(tmp_path: Path) -> None:
    found = Checkpoint.find(str(tiny_chat(tmp_path, weights=False)))
    with pytest.raises(RequestError, match=r"no file named model\.safetensors.*; name a model with all its weights"):
        found.model("cpu", "float32")


def test_weights_that_are_pickled_are_not_read(tmp_path: Path) -> None:
    weights = load_file(tiny_chat(tmp_path) / "model.safetensors")
    torch.save(weights, tmp_path / "pytorch_model.bin")
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(RequestError, match="name a model with all its weights in safetensors"):
        Checkpoint.find(str(tmp_path)).model("cpu", "float32")


def test_weights_that_are_not_all_there(tmp_path: Path) -> None:
    weights = load_file(tiny_chat(tmp_path) / "model.safetensors")
    del weights["model.norm.weight"], weights["model.layers.0.mlp.up_proj.weight"]
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(RequestError, match=r"lacks 2 weights of a qwen3 .*, model\.layers\.0\.mlp\.up_proj\.weight am"):
        Checkpoint.find(str(tmp_path)).model("cpu", "float32")


def test_weights_that_are_cut_off(tmp_path: Path) -> None:
    file = tiny_chat(tmp_path) / "model.safetensors"
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(RequestError, match=r"cannot be loaded: .*; name a model with all its weights in safetensors"):
        Checkpoint.find(str(tmp_path)).model("cpu", "float32")


def test_no_tokenizer(tmp_path: Path) -> None:
    tiny_chat(tmp_path)
    for file in tmp_path.glob("*token*"):
        file.unlink()
    with pytest.raises(RequestError, match=r"cannot be loaded: .*; see that its tokenizer and processor are there"):
        Checkpoint.find(str(tmp_path)).processor()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_no_gpu() -> None:
    check_device("tiny", "cpu")
    with pytest.raises(RequestError, match="model tiny: there is no GPU here; set its device to cpu"):
        check_device("tiny", "cuda")


def test_a_lack_of_memory_is_told_from_other_failures() -> None:
    with pytest.raises(RuntimeError) as lack:
        torch.empty(2**55)
    with pytest.raises(RuntimeError) as other:
        torch.ones(2) @ torch.ones(3)
    assert is_out_of_memory(lack.value)
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert not is_out_of_memory(other.value)
    assert not is_out_of_memory(ValueError("DefaultCPUAllocator"))


def test_what_an_error_says_is_one_short_line() -> None:
    assert quoted(ValueError("one\n  two")) == "one two"
    assert quoted(KeyError()) == "KeyError"
    assert quoted(ValueError("x" * 500)) == "x" * 300 + " ..."
