import numpy as np
import pytest
import torch
from transformers import (
    AutoProcessor,
    CLIPImageProcessor,
    Wav2Vec2FeatureExtractor,
    WhisperFeatureExtractor,
)

from affectgpt.model.frame_features import PatchImageProcessor
from affectgpt.model.processing import AffectGPTProcessor, ClipInput, Example
from affectgpt.model.prompt import SLOTS, phrasings
from affectgpt.model.sound_features import LogMelFeatureExtractor
from affectgpt.model.tokenizer import add_slots, learn_tokenizer
from tests.model.chat_tokenizer import TEXTS, chat_tokenizer

ANSWER = "She smiles, so she seems happy."


def processor(tokenizer=None, **changes):
    settings = {
        "image_processor": PatchImageProcessor(16),
        "feature_extractor": LogMelFeatureExtractor(),
        "tokenizer": tokenizer or learn_tokenizer(TEXTS, 400),
        "video_tokens": 4,
        "audio_tokens": 2,
        "fused_tokens": 1,
    }
    return AffectGPTProcessor(**(settings | changes))


def pretrained():
    tokenizer = chat_tokenizer()
    add_slots(tokenizer)
    return tokenizer


def frames(count=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 24, 32, 3), np.uint8)


def sound(seconds=0.5, seed=0):
    return (0.1 * np.random.default_rng(seed).standard_normal(round(16_000 * seconds))).astype(np.float32)


def mixed_clips():
    return [
        ClipInput(frames(3), sound(0.5), "I am fine.", "en", 0, ANSWER),
        ClipInput(None, sound(0.8), "我很好。", "zh", 1, "他看来很高兴。"),
        ClipInput(frames(2), None, None, "en", 2, "Hard to tell."),
        ClipInput(None, None, "Only words.", "en", 3, "The words tell of joy."),
    ]


def count(made, ids, sense):
    return int((torch.as_tensor(ids) == made.slot_token_id(sense)).sum())


@pytest.mark.parametrize("tokenizer", [None, pretrained()], ids=["learnt", "pretrained"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_prompt_is_the_same_with_and_without_an_answer(tokenizer, language):
    made = processor(tokenizer)
    alone, start, weights = made.tokenize(True, True, "I am fine.", language, 1)
    both, answer_start, _ = made.tokenize(True, True, "I am fine.", language, 1, ANSWER)

    assert start == len(alone) == answer_start and weights is None
    assert both[:start].tolist() == alone.tolist() and both.dtype == np.int64
    assert both[-1] == made.end_token_id
    assert made.tokenizer.decode(both[start:-1]) == ANSWER
    assert phrasings(language)[1] in made.tokenizer.decode(alone)


@pytest.mark.parametrize("video", [True, False])
@pytest.mark.parametrize("audio", [True, False])
def test_a_sense_has_as_many_slots_as_its_branch_gives_vectors(video, audio):
    made = processor()
    ids, _, _ = made.tokenize(video, audio, "words", "en")

    assert (count(made, ids, "video"), count(made, ids, "audio")) == (4 * video, 2 * audio)
    assert count(made, ids, "fused") == (video or audio)


def test_a_subtitle_cannot_hold_slots_or_end_the_prompt():
    made = processor(pretrained())
    ids, _, _ = made.tokenize(False, True, "a <|audio|> b <|im_end|>", "en", 0, "<|im_end|>")
    plain, _, _ = made.tokenize(False, True, "a", "en", 0, "b")

    assert count(made, ids, "audio") == 2
    ends = [int((one == made.end_token_id).sum()) for one in (ids, plain)]
    assert ends[0] == ends[1]


def test_a_long_answer_is_cut_at_its_end_and_does_not_end_there():
    made = processor()
    whole, start, _ = made.tokenize(True, True, "words", "en", 0, ANSWER)
    cut, cut_start, weights = made.tokenize(
        True, True, "words", "en", 0, ANSWER, max_tokens=start + 5, emphasised=["she"], emphasis=2.0
    )

    assert cut_start == start and cut.tolist() == whole[: start + 5].tolist()
    assert len(weights) == 5
    assert made.tokenize(True, True, "words", "en", 0, ANSWER, max_tokens=len(whole))[0].tolist() == whole.tolist()


def test_a_prompt_that_does_not_fit_is_refused():
    made = processor()
    prompt, start, _ = made.tokenize(True, True, "words", "en")

    assert made.tokenize(True, True, "words", "en", max_tokens=start)[0].tolist() == prompt.tolist()
    with pytest.raises(ValueError, match=f"{start} tokens of at most {start}"):
        made.tokenize(True, True, "words", "en", answer=ANSWER, max_tokens=start)
    with pytest.raises(ValueError, match="at most 3"):
        made.tokenize(True, True, "words", "en", max_tokens=3)


@pytest.mark.parametrize(
    ("answer", "words", "emphasised"),
    [
        ("So happy, not unhappy or happyish. HAPPY!", ["happy"], ["happy", "HAPPY"]),
        ("他很高兴，并不难过。", ["高兴", "难过"], ["高兴", "难过"]),
        ("他很happy。", ["happy"], ["happy"]),
        ("Well-meant (so to say).", ["well-meant", "("], ["Well-meant", "("]),
    ],
)
@pytest.mark.parametrize("tokenizer", [learn_tokenizer(TEXTS, 400), pretrained()], ids=["learnt", "pretrained"])
def test_emphasis_falls_on_the_tokens_of_whole_words(tokenizer, answer, words, emphasised):
    made = processor(tokenizer)
    ids, start, weights = made.tokenize(True, True, None, "en", 0, answer, emphasised=words, emphasis=3.0)
    runs, previous = [], 1.0
    for token, weight in zip(ids[start:], weights, strict=True):
        if weight == 3 and previous == 3:
            runs[-1].append(int(token))
        elif weight == 3:
            runs.append([int(token)])
        previous = weight

    assert weights.dtype == np.float32 and weights[-1] == 1
    # A token may begin before its word: with a space, or with a byte of the letter before.
    assert [made.tokenizer.decode(run).strip(" �") for run in runs] == emphasised


def test_without_emphasis_there_are_no_weights():
    made = processor()

    assert made.tokenize(True, True, None, "en", 0, ANSWER, emphasised=["happy"])[2] is None
    assert made.tokenize(True, True, None, "en", 0, ANSWER, emphasised=["angry", ""], emphasis=3.0)[2] is None


def test_a_batch_for_training_is_aligned_with_its_clips():
    made = processor()
    batch = made(mixed_clips(), padding_side="right", label=True)

    assert set(batch) == {
        "input_ids", "attention_mask", "labels", "loss_weights",
        "pixel_values", "frame_mask", "sound_inputs", "sound_mask",
    }  # fmt: skip
    assert batch["pixel_values"].shape == (4, 3, 3, 16, 16) and batch["sound_inputs"].shape == (4, 80, 43)
    assert batch["frame_mask"].sum(-1).tolist() == [3, 0, 2, 0]
    assert batch["sound_mask"].sum(-1).tolist() == [50, 80, 0, 0]
    for row, clip in enumerate(mixed_clips()):
        learnt = batch["labels"][row] != -100
        assert torch.equal(batch["labels"][row][learnt], batch["input_ids"][row][learnt])
        assert made.tokenizer.decode(batch["labels"][row][learnt][:-1]) == clip.answer
        assert not learnt[~batch["attention_mask"][row].bool()].any()
        assert batch["attention_mask"][row, 0] == 1
        assert count(made, batch["input_ids"][row], "video") == 4 * (clip.frames is not None)


def test_a_batch_for_generating_is_padded_on_the_left_and_knows_no_answer():
    made = processor()
    batch = made(mixed_clips())

    assert "labels" not in batch
    assert batch["attention_mask"][:, -1].tolist() == [1, 1, 1, 1]
    for row, clip in enumerate(mixed_clips()):
        alone = made.tokenize(
            clip.frames is not None, clip.sound is not None, clip.subtitle, clip.language, clip.phrasing
        )
        assert batch["input_ids"][row][batch["attention_mask"][row].bool()].tolist() == alone[0].tolist()


def test_weights_stand_where_their_tokens_do():
    made = processor()
    examples = [
        Example(*made.tokenize(False, False, "words", "en", 0, answer, emphasised=["happy"], emphasis=3.0))
        for answer in ("happy", "not at all happy")
    ]
    for side in ("left", "right"):
        batch = made.collate(examples, side)
        for row, example in enumerate(examples):
            learnt = batch["labels"][row] != -100
            assert batch["loss_weights"][row][learnt].tolist() == example.token_weights.tolist()
            assert (batch["loss_weights"][row][~learnt] == 1).all()


def test_features_take_the_place_of_frames_and_sound():
    made = processor()
    ids, start, _ = made.tokenize(True, True, None, "en")
    video = np.ones((3, 5, 7), np.float16)
    audio = np.full((11, 6), 1e6, np.float32)
    batch = made.collate(
        [
            Example(ids, start, video_features=video, audio_features=np.ones((4, 6), np.float16)),
            Example(ids, start, audio_features=audio),
        ],
        label=False,
    )

    assert batch["video_features"].shape == (2, 3, 5, 7) and batch["video_features"].dtype == torch.float16
    assert batch["frame_mask"].tolist() == [[True] * 3, [False] * 3]
    assert batch["audio_features"].shape == (2, 11, 6) and batch["audio_features"].isfinite().all()
    assert batch["audio_mask"].sum(-1).tolist() == [4, 11]
    assert "pixel_values" not in batch and "sound_inputs" not in batch


def test_senses_that_no_clip_has_are_left_out():
    made = processor()

    assert set(made([ClipInput(None, None, "words", "en")])) == {"input_ids", "attention_mask"}


def test_a_model_without_a_sense_does_not_look_for_it():
    deaf = processor(feature_extractor=None, audio_tokens=0)
    batch = deaf([ClipInput(frames(), sound(), "words", "en")])

    assert "sound_inputs" not in batch and count(deaf, batch["input_ids"], "audio") == 0
    assert count(deaf, batch["input_ids"], "video") == 4
    with pytest.raises(ValueError, match="does not hear"):
        deaf.preprocess_sound(sound())
    with pytest.raises(ValueError, match="no frames, no sound and no subtitle"):
        deaf([ClipInput(None, sound(), None, "en")])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda made: made.collate([]), "no example"),
        (lambda made: made([]), "no example"),
        (lambda made: made(mixed_clips(), padding_side="middle"), "'middle'"),
        (lambda made: made([ClipInput(None, None, "words", "en")], label=True), "clip 0 has no answer"),
        (lambda made: made.preprocess_frames(np.zeros((0, 8, 8, 3), np.uint8)), "at least one"),
        (lambda made: made.preprocess_sound(np.zeros(0, np.float32)), "at least one sample"),
        (lambda made: made.preprocess_sound(np.full(9, np.inf, np.float32)), "not finite"),
    ],
)
def test_what_cannot_be_prepared_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make(processor())


def test_examples_of_different_forms_are_refused():
    ids = np.zeros(3, np.int64)
    raw = Example(ids, 3, pixel_values=np.zeros((1, 3, 16, 16), np.float32))
    with pytest.raises(ValueError, match="pixel_values and some video_features"):
        processor().collate([raw, Example(ids, 3, video_features=np.zeros((1, 2, 3), np.float32))])
    with pytest.raises(ValueError, match=r"\(3, 16, 16\) and \(3, 8, 8\)"):
        processor().collate([raw, Example(ids, 3, pixel_values=np.zeros((1, 3, 8, 8), np.float32))])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_processor": None}, "video_tokens 4"),
        ({"audio_tokens": 0}, "audio_tokens 0"),
        ({"tokenizer": chat_tokenizer()}, r"lacks <\|audio\|>"),
    ],
)
def test_parts_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        processor(**changes)


@pytest.mark.parametrize("tokenizer", [None, pretrained()], ids=["learnt", "pretrained"])
def test_what_is_generated_is_read_up_to_its_end(tokenizer):
    made = processor(tokenizer)
    prompts = made(mixed_clips()[:2])["input_ids"]
    pad = made.tokenizer.pad_token_id
    answers = [made.tokenizer.encode(text, add_special_tokens=False) for text in (f" {ANSWER}", "他很高兴。")]
    length = max(map(len, answers)) + 3
    rows = [[*answer, made.end_token_id, *[pad] * length][:length] for answer in answers]
    sequences = torch.cat([prompts, torch.tensor(rows)], dim=1)

    assert made.decode_descriptions(sequences, prompts.shape[1]) == [ANSWER, "他很高兴。"]
    unended = torch.cat([prompts[:1], torch.tensor([answers[0][:-1]])], dim=1)
    assert ANSWER.startswith(made.decode_descriptions(unended, prompts.shape[1])[0])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"image_processor": None, "video_tokens": 0, "fused_tokens": 0},
        {"feature_extractor": None, "audio_tokens": 0},
        {
            "image_processor": CLIPImageProcessor(
                size={"height": 16, "width": 16}, crop_size={"height": 16, "width": 16}
            )
        },
        {"feature_extractor": Wav2Vec2FeatureExtractor()},
        {"feature_extractor": WhisperFeatureExtractor(), "tokenizer": pretrained()},
    ],
    ids=["encoder-free", "hears-only", "sees-only", "clip", "hubert", "whisper"],
)
@pytest.mark.parametrize("loader", [AffectGPTProcessor, AutoProcessor])
def test_saved_and_loaded_it_does_the_same(tmp_path, changes, loader):
    made = processor(**changes)
    made.save_pretrained(tmp_path)
    loaded = loader.from_pretrained(tmp_path)

    assert isinstance(loaded, AffectGPTProcessor)
    assert loaded.end_token_id == made.end_token_id
    clip = [ClipInput(frames(), sound(), "I am fine.", "zh", 1, ANSWER)]
    before, after = (one(clip, padding_side="right", label=True) for one in (made, loaded))
    assert set(before) == set(after) and all(torch.equal(before[name], after[name]) for name in before)


def test_slots_are_written_as_the_prompt_has_them():
    made = processor()

    assert {made.tokenizer.convert_ids_to_tokens(made.slot_token_id(sense)) for sense in SLOTS} == set(SLOTS.values())
