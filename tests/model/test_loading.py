import logging
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModelForCausalLM

from affectgpt.model import AffectGPTForConditionalGeneration, load_strictly
from tests.model import assembled


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("language_model", ["qwen3", "llama"])
def test_what_is_saved_is_what_is_loaded(dtype: torch.dtype, language_model: str, tmp_path: Path) -> None:
    model = assembled.model(language_model, encoders=True, pre_fusion="qformer", branch={"statistics": 1})
    model = model.to(dtype)
    model.save_pretrained(tmp_path)
    loaded = load_strictly(tmp_path)
    assert loaded.state_dict().keys() == model.state_dict().keys()
    for name, value in model.state_dict().items():
        assert loaded.state_dict()[name].dtype == dtype
        assert torch.equal(loaded.state_dict()[name], value), name
    tied = loaded.get_output_embeddings().weight is loaded.get_input_embeddings().weight
    assert tied == (language_model == "qwen3")
    together = assembled.batch(assembled.clips(model, answer=3))
    assert torch.equal(loaded.eval()(**together).loss, model(**together).loss)
    assert type(AutoModelForCausalLM.from_pretrained(tmp_path)) is AffectGPTForConditionalGeneration


@pytest.mark.parametrize("with_encoders", [True, False])
def test_a_checkpoint_that_does_not_fit_is_refused(with_encoders: bool, tmp_path: Path) -> None:
    model = assembled.model(encoders=True)
    model.save_pretrained(tmp_path)
    file = tmp_path / "model.safetensors"
    weights = load_file(file)

    def saved(changed: dict[str, Tensor]) -> Path:
        save_file(changed, file, metadata={"format": "pt"})
        return tmp_path

    name = "vision_branch.projection.weight"
    with pytest.raises(ValueError, match=f"do not fit the model: missing: {name}$"):
        load_strictly(saved({other: value for other, value in weights.items() if other != name}), with_encoders)
    with pytest.raises(ValueError, match=r"do not fit the model: unexpected: audio_branch\.gate$"):
        load_strictly(saved(weights | {"audio_branch.gate": torch.zeros(2)}), with_encoders)
    with pytest.raises(ValueError, match=f"do not fit the model: of another shape: {name}$"):
        load_strictly(saved(weights | {name: torch.zeros(2, 2)}), with_encoders)
    bare = {name: value for name, value in weights.items() if not name.startswith("audio_encoder.")}
    if with_encoders:
        with pytest.raises(ValueError, match=r"missing: audio_encoder\."):
            load_strictly(saved(bare))
    else:
        assert load_strictly(saved(bare), with_encoders=False).audio_encoder is None


def test_loading_without_encoders_says_nothing_of_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("transformers"), "propagate", True)
    assembled.model(encoders=True).save_pretrained(tmp_path)
    AffectGPTForConditionalGeneration.from_pretrained(tmp_path, with_encoders=False)
    assert "audio_encoder" not in caplog.text
    file = tmp_path / "model.safetensors"
    save_file(load_file(file) | {"audio_branch.gate": torch.zeros(2)}, file, metadata={"format": "pt"})
    AffectGPTForConditionalGeneration.from_pretrained(tmp_path, with_encoders=False)
    assert "audio_branch.gate" in caplog.text
    assert "audio_encoder" not in caplog.text


@pytest.mark.parametrize("language_model", ["qwen3", "llama"])
def test_embeddings_grow_for_new_tokens(language_model: str, tmp_path: Path) -> None:
    model = assembled.model(language_model)
    model.resize_token_embeddings(70)
    assert model.get_input_embeddings().weight.shape[0] == 70
    assert model.get_output_embeddings().weight.shape[0] == 70
    assert model.config.text_config.vocab_size == 70
    model.save_pretrained(tmp_path)
    loaded = load_strictly(tmp_path)
    prompt = torch.tensor([[3, 69, 5]])
    torch.testing.assert_close(loaded.eval()(input_ids=prompt).logits, model(input_ids=prompt).logits)
