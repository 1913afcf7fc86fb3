from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from affectgpt.errors import RequestError
from affectgpt.model.frame_features import PatchImageProcessor
from affectgpt.model.processing import AffectGPTProcessor
from affectgpt.model.prompt import phrasings
from affectgpt.model.sound_features import LogMelFeatureExtractor
from affectgpt.model.tokenizer import learn_tokenizer
from affectgpt.training.data.samples import samples_of
from affectgpt.training.data.schema import PREPARED_CLIPS, SAMPLES
from tests.training.data.clip_tables import prepared

SAD = "The voice is low and slow, so that he seems sad, not saddened."
TEXTS = [SAD, "She smiles, and is glad.", "她在微笑，看起来很高兴。", *phrasings("en"), *phrasings("zh")]


@pytest.fixture(scope="module")
def processor() -> AffectGPTProcessor:
    tokenizer = learn_tokenizer(TEXTS, 400)
    return AffectGPTProcessor(
        PatchImageProcessor(), LogMelFeatureExtractor(), tokenizer, video_tokens=4, audio_tokens=3
    )


@pytest.fixture(scope="module")
def hearing(processor: AffectGPTProcessor) -> AffectGPTProcessor:
    """One that does not see."""
    return AffectGPTProcessor(None, processor.feature_extractor, processor.tokenizer, audio_tokens=3)


def make(
    clips: pa.Table, processor: AffectGPTProcessor, max_tokens: int = 1000, label_weight: float = 1.0, seed: int = 0
) -> pa.Table:
    return samples_of(clips, processor, ["en", "zh"], max_tokens, label_weight, seed)


def decoded(processor: AffectGPTProcessor, ids: Sequence[int]) -> str:
    return str(processor.tokenizer.decode(ids))


def test_a_sample_for_each_language_of_a_clip(processor: AffectGPTProcessor) -> None:
    clips = prepared(
        {"clip_id": "a", "description_en": TEXTS[1], "description_zh": TEXTS[2], "subtitle": "Hello."},
        {"clip_id": "b", "description_zh": TEXTS[2], "dataset": "coarse", "part": "validation"},
        {"clip_id": "c", "description_en": TEXTS[1], "error": "no-streams", "message": "it holds nothing"},
    )
    samples = make(clips, processor)
    assert samples.schema == SAMPLES
    assert samples["sample_id"].to_pylist() == ["fine/a/en", "fine/a/zh", "coarse/b/zh"]
    assert samples["clip_key"].to_pylist() == ["key of a", "key of a", "key of b"]
    assert samples["part"].to_pylist() == ["train", "train", "validation"]
    assert samples["answer"].to_pylist() == [TEXTS[1], TEXTS[2], TEXTS[2]]
    for row in samples.to_pylist():
        prompt, answer = row["input_ids"][: row["answer_start"]], row["input_ids"][row["answer_start"] :]
        assert row["length"] == len(row["input_ids"])
        assert decoded(processor, answer[:-1]) == row["answer"]
        assert answer[-1] == processor.end_token_id
        assert row["loss_weight"] == len(answer)
        assert row["token_weights"] is None
        assert ("Hello." in decoded(processor, prompt)) == (row["clip_id"] == "a")
        assert [prompt.count(processor.slot_token_id(sense)) for sense in ("video", "audio")] == [4, 3]
    only_english = samples_of(clips, processor, ["en"], 1000, 1.0, 0)
    assert only_english["sample_id"].to_pylist() == ["fine/a/en"]


def test_labels_weigh_more_where_the_answer_spells_them(processor: AffectGPTProcessor) -> None:
    clips = prepared(
        {"clip_id": "a", "description_en": TEXTS[1]},
        {"clip_id": "b", "description_en": SAD, "description_zh": TEXTS[2], "labels": ["sad", "", None, "高兴"]},
        {"clip_id": "c", "description_en": TEXTS[1], "labels": ["angry"]},
    )
    rows = {row["sample_id"]: row for row in make(clips, processor, label_weight=3.0).to_pylist()}
    assert rows["fine/a/en"]["token_weights"] is None
    assert rows["fine/c/en"]["token_weights"] is None
    for name, word in (("fine/b/en", " sad"), ("fine/b/zh", "高兴")):
        row = rows[name]
        weights = np.array(row["token_weights"])
        answer = np.array(row["input_ids"][row["answer_start"] :])
        assert len(weights) == len(answer)
        assert word.strip() in decoded(processor, answer[weights == 3].tolist())
        assert set(weights) == {1, 3}
        assert row["loss_weight"] == weights.sum() == len(answer) + 2 * (weights == 3).sum()
    assert [row["token_weights"] for row in make(clips, processor).to_pylist()] == [None] * 4


def test_phrasings_are_drawn_by_seed_and_sample(processor: AffectGPTProcessor) -> None:
    clips = prepared(*({"clip_id": str(number), "description_en": "Glad."} for number in range(40)))

    def prompts(table: pa.Table, seed: int) -> dict[str, tuple[int, ...]]:
        rows = make(table, processor, seed=seed).to_pylist()
        return {row["sample_id"]: tuple(row["input_ids"][: row["answer_start"]]) for row in rows}

    one = prompts(clips, 0)
    assert len(set(one.values())) == len(phrasings("en"))
    assert prompts(clips.take(list(range(39, -1, -1))), 0) == one
    assert prompts(clips, 1) != one
    other_clips = prepared({"clip_id": "7", "description_en": "Sad."})
    assert prompts(other_clips, 0) == {"fine/7/en": one["fine/7/en"]}


def test_long_answers_are_cut_and_long_prompts_refused(processor: AffectGPTProcessor) -> None:
    clips = prepared({"clip_id": "a", "description_en": SAD * 20, "labels": ["sad"]})
    whole = make(clips, processor, label_weight=2.0).to_pylist()[0]
    most = whole["answer_start"] + 30
    cut = make(clips, processor, max_tokens=most, label_weight=2.0).to_pylist()[0]
    assert cut["length"] == most
    assert cut["input_ids"] == whole["input_ids"][:most]
    assert cut["token_weights"] == whole["token_weights"][:30]
    assert cut["loss_weight"] == sum(cut["token_weights"])
    with pytest.raises(RequestError, match=r"data\.max_tokens 16: the fine clip a .*the prompt alone has"):
        make(clips, processor, max_tokens=16)


def test_a_model_is_asked_of_the_senses_that_it_has(hearing: AffectGPTProcessor) -> None:
    clips = prepared(
        {"clip_id": "both", "description_en": "Glad."},
        {"clip_id": "silent", "description_en": "Glad.", "has_audio": False},
        {"clip_id": "silent, with words", "description_en": "Glad.", "has_audio": False, "subtitle": "Hello."},
        {"clip_id": "broken", "description_en": "Glad.", "has_audio": None, "has_video": None, "error": "no-streams"},
    )
    samples = make(clips, hearing)
    assert samples["clip_id"].to_pylist() == ["both", "silent, with words"]
    first, second = samples["input_ids"].to_pylist()
    slots = [hearing.slot_token_id(sense) for sense in ("video", "audio")]
    assert [[ids.count(slot) for slot in slots] for ids in (first, second)] == [[0, 3], [0, 0]]


def test_one_that_sees_and_hears_has_evidence_in_either(processor: AffectGPTProcessor) -> None:
    clips = prepared(
        {"clip_id": "silent", "description_en": "Glad.", "has_audio": False},
        {"clip_id": "dark", "description_en": "Glad.", "has_video": False},
    )
    assert make(clips, processor).num_rows == 2


def test_no_clips_give_no_samples(processor: AffectGPTProcessor) -> None:
    samples = make(PREPARED_CLIPS.empty_table(), processor)
    assert samples.schema == SAMPLES
    assert samples.num_rows == 0


def test_batches_join_to_one_table(processor: AffectGPTProcessor, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = prepared(
        *({"clip_id": str(one), "description_en": f"Glad {one}.", "labels": ["glad"] * (one % 2)} for one in range(5))
    )
    whole = make(clips, processor, label_weight=2.0)
    monkeypatch.setattr("affectgpt.training.data.samples._CLIPS_PER_BATCH", 2)
    assert make(clips, processor, label_weight=2.0).to_pylist() == whole.to_pylist()
    assert whole["token_weights"].null_count == 3
