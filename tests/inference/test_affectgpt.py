import shutil
from pathlib import Path

import pytest
import torch

from affectgpt.clips.clip import Clip
from affectgpt.errors import ClipError, RequestError
from affectgpt.inference import AffectGPT, Description
from affectgpt.training.initial_model import build_initial_model
from tests.inference.trained import answer, save_trained, trained_model
from tests.media import Sound, Video, write_media
from tests.training.features.made import SMALL

TOKENS = 24


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of which one has all, one no sound, one no video; and what is no clip."""
    folder = tmp_path_factory.mktemp("media")
    write_media(folder / "both.mp4", Video(), Sound())
    write_media(folder / "silent.mp4", Video(frames=30))
    write_media(folder / "voice.wav", sound=Sound(codec="pcm_s16le", seconds=1.3))
    (folder / "text.mp4").write_text("this is no film\n" * 100)
    return folder


@pytest.fixture(scope="module")
def affectgpt() -> AffectGPT:
    return AffectGPT(*trained_model())


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_trained(tmp_path_factory.mktemp("saved") / "model")


def test_a_saved_model_says_what_it_learnt(saved: Path, media: Path) -> None:
    with AffectGPT.from_pretrained(str(saved)) as loaded:
        said = loaded.describe(str(media / "both.mp4"), max_new_tokens=TOKENS)
        assert said == Description(answer(True, True), ("calm",), True, True, None, "en")
        said = loaded.describe(media / "voice.wav", language="zh", max_new_tokens=TOKENS)
        assert said == Description(answer(False, True, "zh"), ("悲伤",), False, True, None, "zh")


def test_a_batch_of_mixed_clips_equals_one_by_one(affectgpt: AffectGPT, media: Path) -> None:
    clips = [media / name for name in ("voice.wav", "both.mp4", "silent.mp4", "both.mp4")]
    alone = [affectgpt.describe(clip, max_new_tokens=TOKENS) for clip in clips]
    assert {len(one.text) for one in alone} != {0}
    for batch_size in (1, 3, 8):
        assert affectgpt.describe_batch(clips, batch_size=batch_size, max_new_tokens=TOKENS) == alone
    has = [(one.has_video, one.has_audio) for one in alone]
    assert has == [(False, True), (True, True), (True, False), (True, True)]
    assert affectgpt.describe_batch([]) == []


def test_a_clip_that_cannot_be_used_costs_the_others_nothing(affectgpt: AffectGPT, media: Path) -> None:
    clips = [media / "both.mp4", media / "text.mp4", media / "nowhere.mp4", media / "voice.wav"]
    both, text, nowhere, voice = affectgpt.try_batch(clips, max_new_tokens=TOKENS)
    assert [both, voice] == affectgpt.describe_batch([clips[0], clips[3]], max_new_tokens=TOKENS)
    assert isinstance(text, ClipError) and text.reason == "not-media" and str(clips[1]) in text.message
    assert isinstance(nowhere, ClipError) and nowhere.reason == "not-found"
    with pytest.raises(ClipError, match=r"text\.mp4 is not video or sound"):
        affectgpt.describe_batch(clips, max_new_tokens=TOKENS)
    with pytest.raises(ClipError, match=r"nowhere\.mp4 does not exist"):
        affectgpt.describe(clips[2])


def test_the_subtitle_beside_a_clip_is_read(affectgpt: AffectGPT, media: Path, tmp_path: Path) -> None:
    clip = str(shutil.copy(media / "both.mp4", tmp_path / "talk.mp4"))
    (tmp_path / "talk.srt").write_text(
        "1\n00:00:00,000 --> 00:00:00,900\nGood morning.\n\n2\n00:00:01,000 --> 00:00:01,900\nGood night.\n"
    )
    assert affectgpt.describe(clip, max_new_tokens=1).subtitle == "Good morning. Good night."
    assert affectgpt.describe(clip, start_s=1.0, max_new_tokens=1).subtitle == "Good night."
    assert affectgpt.describe(clip, start_s=0.0, end_s=0.95, max_new_tokens=1).subtitle == "Good morning."
    assert affectgpt.describe(clip, "Hello.", max_new_tokens=1).subtitle == "Hello."
    assert affectgpt.describe(clip, "", max_new_tokens=1).subtitle is None
    assert affectgpt.describe(Clip("talk", clip), max_new_tokens=1).subtitle is None
    assert affectgpt.describe(Clip("talk", clip, subtitle="Bye."), max_new_tokens=1).subtitle == "Bye."


def test_a_span_must_lie_in_its_source(affectgpt: AffectGPT, media: Path) -> None:
    with pytest.raises(ClipError, match="span-out-of-range"):
        affectgpt.describe(media / "both.mp4", start_s=60.0)
    with pytest.raises(RequestError, match="of a Clip are its own"):
        affectgpt.describe(Clip("both", str(media / "both.mp4")), start_s=1.0)


def test_what_is_longer_than_the_model_hears_is_cut(affectgpt: AffectGPT, tmp_path: Path) -> None:
    long = write_media(tmp_path / "long.wav", sound=Sound(codec="pcm_s16le", rate=16_000, seconds=9.0))
    assert affectgpt.describe(long, max_new_tokens=TOKENS).has_audio


def test_a_subtitle_that_does_not_fit_is_the_clips_error(affectgpt: AffectGPT, media: Path) -> None:
    context = affectgpt.model.config.text_config.max_position_embeddings
    long, short = (Clip(name, str(media / "both.mp4"), subtitle=name) for name in ("word " * context, "word"))
    found = affectgpt.try_batch([long, short], max_new_tokens=TOKENS)
    assert isinstance(found[0], ClipError) and found[0].reason == "subtitle-too-long"
    assert isinstance(found[1], Description)


def test_a_model_that_hears_only(media: Path) -> None:
    deaf_to_pictures = SMALL.model_copy(update={"vision": None})
    with AffectGPT(*build_initial_model(deaf_to_pictures, ["She sounds calm."] * 9, seed=0)) as hearing:
        both, silent = hearing.try_batch([media / "both.mp4", media / "silent.mp4"], max_new_tokens=1)
        assert isinstance(both, Description) and (both.has_video, both.has_audio) == (False, True)
        assert isinstance(silent, ClipError) and silent.reason == "nothing-perceived"
        read = hearing.describe(Clip("silent", str(media / "silent.mp4"), subtitle="Hello."), max_new_tokens=1)
        assert (read.has_video, read.has_audio, read.subtitle) == (False, False, "Hello.")


def test_texts_are_drawn_above_temperature_zero(affectgpt: AffectGPT, media: Path) -> None:
    clip = str(media / "both.mp4")
    drawn = set()
    for seed in range(4):
        torch.manual_seed(seed)
        drawn.add(affectgpt.describe(clip, max_new_tokens=TOKENS, temperature=20.0).text)
    assert len(drawn) == 4
    assert len({affectgpt.describe(clip, max_new_tokens=TOKENS).text for _ in range(2)}) == 1


def test_weights_take_the_type_that_is_asked_for(saved: Path, media: Path) -> None:
    with AffectGPT.from_pretrained(str(saved), device="cpu", dtype="bfloat16") as loaded:
        assert loaded.model.dtype == torch.bfloat16
        assert loaded.describe(media / "both.mp4", max_new_tokens=TOKENS).text == answer(True, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"language": "de"}, "language de: the model writes en and zh"),
        ({"temperature": -1.0}, "temperature -1.0"),
        ({"max_new_tokens": 0}, "max_new_tokens 0"),
        ({"max_new_tokens": 1_000_000}, "max_new_tokens 1000000"),
        ({"batch_size": 0}, "batch_size 0"),
    ],
)
def test_wrong_arguments_are_refused(affectgpt: AffectGPT, media: Path, arguments: dict, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        affectgpt.describe_batch([media / "both.mp4"], **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"device": "cuda:99"}, "device cuda:99"),
        ({"device": "abacus"}, "device abacus"),
        ({"dtype": "int8"}, "dtype int8"),
        ({"dtype": "no_such_type"}, "dtype no_such_type"),
    ],
)
def test_devices_and_types_that_are_not_there_are_refused(saved: Path, arguments: dict, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        AffectGPT.from_pretrained(str(saved), **arguments)


def test_weights_that_do_not_fit_are_named(saved: Path, tmp_path: Path) -> None:
    spoilt = shutil.copytree(saved, tmp_path / "model")
    config = spoilt / "config.json"
    config.write_text(config.read_text().replace('"queries": 4', '"queries": 5'))
    with pytest.raises(RequestError, match=r"queries"):
        AffectGPT.from_pretrained(str(spoilt))
    shutil.copy(saved / "config.json", config)
    (spoilt / "model.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(RequestError, match="cannot be loaded"):
        AffectGPT.from_pretrained(str(spoilt))
