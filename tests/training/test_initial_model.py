import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel

from affectgpt.errors import RequestError
from affectgpt.model.modeling import load_strictly
from affectgpt.model.processing import AffectGPTProcessor, ClipInput
from affectgpt.model.prompt import phrasings
from affectgpt.model.tokenizer import learn_tokenizer
from affectgpt.training.initial_model import build_initial_model
from affectgpt.training.recipe import ModelSection
from tests.model import tiny

TEXTS = ("She smiles, so she seems happy.", "她面带微笑，看来很高兴。", "He is silent and seems sad.") * 10
SMALL = {"language_model": {"vocabulary": 500, "hidden_size": 32, "layers": 2, "heads": 2, "context": 256}}
BRANCH = {"hidden_size": 32, "layers": 1, "heads": 2, "queries": 3}


def section(**changes):
    settings = SMALL | {"vision": BRANCH | {"frames": 4}, "audio": BRANCH | {"longest_s": 4.0}} | changes
    return ModelSection.model_validate(settings)


def clips(seconds=0.7):
    generator = np.random.default_rng(0)
    frames = generator.integers(0, 256, (4, 24, 32, 3), np.uint8)
    sound = (0.1 * generator.standard_normal(round(seconds * 16_000))).astype(np.float32)
    return [
        ClipInput(frames, sound, "I am fine.", "en", 0, "She seems happy."),
        ClipInput(None, sound[:5000], "唉！", "zh", 0, "他看来很难过。"),
        ClipInput(frames[:2], None, "Oh.", "en", 0, "Hard to tell."),
        ClipInput(None, None, "我很好。", "zh", 0, "很高兴。"),
    ]


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    makers = {
        "qwen3": tiny.tiny_qwen3,
        "llama": tiny.tiny_llama,
        "clip": tiny.tiny_clip,
        "dinov2": tiny.tiny_dinov2,
        "hubert": tiny.tiny_hubert,
        "wav2vec2": tiny.tiny_wav2vec2,
        "whisper": tiny.tiny_whisper,
        "ast": tiny.tiny_ast,
    }
    return {name: str(make(folder / name)) for name, make in makers.items()}


def learns(model, processor, examples):
    """The parts that the gradient of the loss reaches."""
    batch = processor(examples, padding_side="right", label=True)
    loss = model.train()(**batch).loss
    loss.backward()
    assert torch.isfinite(loss)
    reached = {name for name, weight in model.named_parameters() if weight.grad is not None and weight.grad.any()}
    return {name.split(".")[0] for name in reached}


def same_after_saving(model, processor, folder):
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    loaded, reader = load_strictly(folder, with_encoders=True).eval(), AffectGPTProcessor.from_pretrained(folder)
    with torch.inference_mode():
        losses = [
            one.eval()(**made(clips(), padding_side="right", label=True)).loss
            for one, made in ((model, processor), (loaded, reader))
        ]
    return torch.allclose(*losses, atol=1e-5)


@pytest.mark.parametrize("pre_fusion", ["none", "attention", "qformer"])
def test_the_small_model_is_made_of_nothing_but_texts(pre_fusion, tmp_path):
    model, processor = build_initial_model(section(pre_fusion=pre_fusion), TEXTS, seed=0)

    parts = {"language_model", "vision_branch", "audio_branch"} | ({"pre_fusion"} if pre_fusion != "none" else set())
    assert learns(model, processor, clips()) == parts
    assert same_after_saving(model, processor, tmp_path)
    assert len(processor.tokenizer) == model.config.text_config.vocab_size <= 500
    assert model.get_input_embeddings().weight is model.get_output_embeddings().weight


def test_a_seed_gives_the_same_model_and_leaves_other_chance_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, second, other = (build_initial_model(section(), iter(TEXTS), seed)[0].state_dict() for seed in (1, 1, 2))

    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["vision_branch.projection.weight"], other["vision_branch.projection.weight"])


def test_every_new_weight_is_drawn():
    with torch.no_grad():
        model, _ = build_initial_model(section(pre_fusion="qformer"), TEXTS, seed=0)
    for name, weight in model.named_parameters():
        assert torch.isfinite(weight).all(), name
        if weight.ndim > 1:
            assert 1e-3 < weight.std() < 1.5, name


def test_the_questions_are_learnt_with_the_texts():
    _, processor = build_initial_model(section(), TEXTS, seed=0)
    of_texts_alone = learn_tokenizer(TEXTS, 500)

    for language in ("en", "zh"):
        for question in phrasings(language):
            assert len(processor.tokenizer.encode(question)) < 0.8 * len(of_texts_alone.encode(question))


def tower(name, folder):
    model = AutoModel.from_pretrained(folder)
    return {"clip": lambda: model.vision_model, "whisper": lambda: model.encoder}.get(name, lambda: model)()


@pytest.mark.parametrize(
    ("language_model", "vision", "audio"),
    [
        ("qwen3", "clip", "hubert"),
        ("llama", "dinov2", "whisper"),
        ("qwen3", None, "ast"),
        ("llama", "clip", None),
    ],
)
def test_pretrained_parts_come_as_they_are(sources, language_model, vision, audio, tmp_path):
    model, processor = build_initial_model(
        section(
            language_model={"source": sources[language_model]},
            vision=BRANCH | {"encoder": sources[vision]} if vision else None,
            audio=BRANCH | {"encoder": sources[audio], "longest_s": 1.0} if audio else None,
        ),
        (),
        seed=0,
    )
    stored = load_file(f"{sources[language_model]}/model.safetensors")

    weights = model.language_model.state_dict()
    for name, weight in stored.items():
        assert torch.equal(weights[name][: len(weight)], weight), name
    for sense, name in (("vision", vision), ("audio", audio)):
        encoder = getattr(model, f"{sense}_encoder")
        assert (encoder is None) == (name is None)
        if name:
            ours, whole = encoder.state_dict(), tower(name, sources[name]).state_dict()
            assert set(ours) == set(whole) and all(torch.equal(ours[key], whole[key]) for key in ours)
    assert model.get_input_embeddings().weight.shape[0] >= len(processor.tokenizer)
    branches = {f"{sense}_branch" for sense, name in (("vision", vision), ("audio", audio)) if name}
    assert {"language_model"} | branches <= learns(model, processor, clips())
    assert same_after_saving(model, processor, tmp_path)


def test_generation_stops_where_an_answer_ends(sources):
    model, processor = build_initial_model(section(language_model={"source": sources["qwen3"]}), (), seed=0)
    model.generation_config.max_new_tokens = 4
    batch = processor(clips())
    # A model that can say nothing but the end.
    ending = torch.zeros(model.get_output_embeddings().weight.shape[0])
    ending[processor.end_token_id] = 1e4
    model.get_output_embeddings().register_forward_hook(lambda module, inputs, logits: logits + ending)
    sequences = model.generate(**batch)

    assert sequences.shape[1] == batch["input_ids"].shape[1] + 1
    assert processor.decode_descriptions(sequences, batch["input_ids"].shape[1]) == ["", "", "", ""]


@pytest.mark.parametrize("audio", [None, "hubert", "wav2vec2", "whisper"])
@pytest.mark.parametrize("subsampling", [0, 3])
def test_there_is_a_position_for_the_longest_clip_and_hardly_more(sources, audio, subsampling):
    branch = BRANCH | {"encoder": audio and sources[audio], "longest_s": 2.0, "subsampling": subsampling}
    model, processor = build_initial_model(section(audio=branch, vision=None), TEXTS, seed=0)
    sound = np.random.default_rng(0).standard_normal(32_000).astype(np.float32)
    batch = processor([ClipInput(None, sound, None, "en")])
    with torch.inference_mode():
        steps = model.encode(sound_inputs=batch["sound_inputs"], sound_mask=batch["sound_mask"])[
            "audio_features"
        ].shape[1]
        model(**batch)

    assert 0 <= model.config.audio_branch.positions - steps / 2**subsampling <= 1 + 11 / 2**subsampling


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_each_pretrained_part_has_its_type(sources, dtype):
    model, processor = build_initial_model(
        section(
            language_model={"source": sources["qwen3"], "dtype": dtype}, vision=BRANCH | {"encoder": sources["clip"]}
        ),
        (),
        seed=0,
    )

    assert model.language_model.dtype == getattr(torch, dtype)
    assert model.vision_encoder.dtype == torch.float32 == next(model.vision_branch.parameters()).dtype
    assert torch.isfinite(model(**processor(clips(), padding_side="right", label=True)).loss)


def test_what_is_no_source_is_named(sources, tmp_path):
    missing = str(tmp_path / "nowhere")
    for changes, key in (
        ({"language_model": {"source": missing}}, "model.language_model.source"),
        ({"vision": BRANCH | {"encoder": missing}}, "model.vision.encoder"),
        ({"audio": BRANCH | {"encoder": missing}}, "model.audio.encoder"),
    ):
        with pytest.raises(RequestError, match=f"{key}: {missing} cannot be used .*; give the name or the folder"):
            build_initial_model(section(**changes), TEXTS, seed=0)


def test_a_source_of_the_wrong_kind_is_named(sources):
    for changes, key in (
        ({"language_model": {"source": sources["clip"]}}, "model.language_model.source"),
        ({"vision": BRANCH | {"encoder": sources["hubert"]}}, "model.vision.encoder"),
        ({"vision": BRANCH | {"encoder": sources["qwen3"]}}, "model.vision.encoder"),
        ({"audio": BRANCH | {"encoder": sources["clip"]}}, "model.audio.encoder"),
        ({"audio": BRANCH | {"encoder": sources["qwen3"]}}, "model.audio.encoder"),
    ):
        with pytest.raises(RequestError, match=f"{key}: .* cannot be used"):
            build_initial_model(section(**changes), TEXTS, seed=0)


def damaged(source, folder, change):
    shutil.copytree(source, folder)
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return str(folder)


def test_a_checkpoint_that_lacks_weights_is_refused(sources, tmp_path):
    folder = damaged(sources["qwen3"], tmp_path / "lacking", lambda weights: weights.pop("model.norm.weight"))

    with pytest.raises(RequestError, match=r"lacks model\.norm\.weight"):
        build_initial_model(section(language_model={"source": folder}), (), seed=0)


def test_a_broken_file_is_refused(sources, tmp_path):
    shutil.copytree(sources["qwen3"], tmp_path / "broken")
    (tmp_path / "broken" / "model.safetensors").write_bytes(b"not safe")

    with pytest.raises(RequestError, match=r"model\.language_model\.source: .*broken"):
        build_initial_model(section(language_model={"source": str(tmp_path / "broken")}), (), seed=0)


def test_a_tokenizer_of_another_model_is_refused(sources, tmp_path):
    shutil.copytree(sources["qwen3"], tmp_path / "mixed")
    other = tiny.tiny_tokenizer("<|im_end|>", ["<|im_end|>", *(f"<|extra-{number}|>" for number in range(2000))])
    other.save_pretrained(tmp_path / "mixed")

    with pytest.raises(RequestError, match="its model knows"):
        build_initial_model(section(language_model={"source": str(tmp_path / "mixed")}), (), seed=0)


def test_an_encoder_for_another_rate_is_refused(sources, tmp_path):
    shutil.copytree(sources["hubert"], tmp_path / "telephone")
    settings = tmp_path / "telephone" / "preprocessor_config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"sampling_rate": 8000}))

    with pytest.raises(RequestError, match="8000 Hz"):
        build_initial_model(section(audio=BRANCH | {"encoder": str(tmp_path / "telephone")}), TEXTS, seed=0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"language_model": SMALL["language_model"] | {"heads": 3}}, "hidden_size: 32 .* 3 heads"),
        ({"vision": BRANCH | {"patch_size": 7}}, r"model\.vision: .*patch_size 7"),
        ({"audio": BRANCH | {"heads": 5}}, r"model\.audio: hidden_size 32 .* heads 5"),
    ],
)
def test_sizes_that_do_not_fit_together_are_named(changes, message):
    with pytest.raises(RequestError, match=message):
        build_initial_model(section(**changes), TEXTS, seed=0)


def test_without_texts_there_is_no_tokenizer():
    with pytest.raises(RequestError, match=r"model\.language_model: there is no text"):
        build_initial_model(section(), (), seed=0)


def test_what_reads_the_features_keeps_their_variance_in_a_whole_model() -> None:
    section = ModelSection.model_validate(
        {"language_model": {"vocabulary": 300, "hidden_size": 32, "layers": 1, "heads": 2}, "vision": None}
    )
    branch = build_initial_model(section, ["Glad."], 0)[0].audio_branch
    assert branch is not None
    features = torch.randn(1, 500, branch.projection.in_features)
    assert 0.5 < float(branch.projection(features).detach().std()) < 2.0
    assert float(branch.places.detach().std()) > 0.1
