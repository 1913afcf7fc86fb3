import pytest
import torch
from torch import Tensor

from tests.model import assembled
from tests.model.assembled import AUDIO, END, PAD, VIDEO

GREEDY = {"do_sample": False, "max_new_tokens": 8, "pad_token_id": PAD, "eos_token_id": END}


@pytest.mark.parametrize("encoders", [False, True])
@pytest.mark.parametrize("beams", [1, 3])
def test_a_mixed_batch_generates_what_each_clip_does_alone(encoders: bool, beams: int) -> None:
    model = assembled.model(encoders=encoders, pre_fusion="attention")
    alone = assembled.clips(model)
    together = assembled.batch(alone, "left")
    length = together["input_ids"].shape[1]
    said = model.generate(**together, **GREEDY, num_beams=beams)[:, length:]
    distinct = set()
    for row, clip in enumerate(alone):
        one = model.generate(**clip, **GREEDY, num_beams=beams)[0, clip["input_ids"].shape[1] :]
        expected = torch.nn.functional.pad(one, (0, said.shape[1] - len(one)), value=PAD)
        assert torch.equal(said[row], expected)
        distinct.add(tuple(one.tolist()))
    assert len(distinct) > 1


@pytest.mark.parametrize("pre_fusion", ["none", "attention", "qformer"])
@pytest.mark.parametrize("language_model", ["qwen3", "llama"])
def test_the_cache_changes_nothing(pre_fusion: str, language_model: str) -> None:
    model = assembled.model(language_model, pre_fusion=pre_fusion)
    together = assembled.batch(assembled.clips(model), "left")
    cached = model.generate(**together, **GREEDY, use_cache=True)
    assert torch.equal(cached, model.generate(**together, **GREEDY, use_cache=False))


def test_the_senses_are_read_once_in_generation(monkeypatch: pytest.MonkeyPatch) -> None:
    model = assembled.model(encoders=True)
    runs: list[tuple[str, int]] = []
    for part in ("vision_encoder", "audio_encoder", "vision_branch", "audio_branch"):
        module = getattr(model, part)
        module.register_forward_hook(lambda _m, _i, output, part=part: runs.append((part, 1)))
    together = assembled.batch(assembled.clips(model), "left")
    output = model.generate(**together, **GREEDY | {"min_new_tokens": 8})
    assert output.shape[1] == together["input_ids"].shape[1] + 8
    assert sorted(part for part, _ in runs) == ["audio_branch", "audio_encoder", "vision_branch", "vision_encoder"]


def test_sampling_follows_the_seed_and_never_says_a_placeholder() -> None:
    model = assembled.model()
    together = assembled.batch(assembled.clips(model), "left")
    options = GREEDY | {"do_sample": True, "temperature": 5.0, "max_new_tokens": 40, "eos_token_id": None}

    def sample(seed: int) -> Tensor:
        torch.manual_seed(seed)
        return model.generate(**together, **options)[:, together["input_ids"].shape[1] :]

    assert torch.equal(sample(1), sample(1))
    assert not torch.equal(sample(1), sample(2))
    assert not bool(torch.isin(sample(1), torch.tensor([VIDEO, AUDIO])).any())


def test_the_answer_depends_on_every_sense_and_on_the_words() -> None:
    model = assembled.model(encoders=True)
    [clip] = assembled.clips(model, [(True, True, 4)])
    logits = model(**clip).logits[:, -1]
    for name in ("pixel_values", "sound_inputs"):
        changed = clip | {name: torch.randn(clip[name].shape)}
        assert not torch.allclose(model(**changed).logits[:, -1], logits, atol=1e-3), name
    words = clip["input_ids"].clone()
    words[0, -2] = 2 + (words[0, -2] + 1) % 50
    assert not torch.allclose(model(**clip | {"input_ids": words}).logits[:, -1], logits, atol=1e-3)
