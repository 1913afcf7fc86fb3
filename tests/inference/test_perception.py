"""What a model takes of a clip is what it was trained on."""

from pathlib import Path

import numpy as np
import pytest
import torch

from affectgpt.clips.decoding import DecodeSettings
from affectgpt.clips.media import SAMPLE_RATE
from affectgpt.inference.perception import perception_of
from affectgpt.model import AffectGPTProcessor
from affectgpt.model.processing import ClipInput
from affectgpt.training.initial_model import build_initial_model
from affectgpt.training.recipe import ModelSection
from tests.training.features.made import AUDIO, LANGUAGE_MODEL, SMALL, VISION, with_encoders

TEXTS = ["She sounds calm."] * 9


@pytest.mark.parametrize("encoders", [False, True])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_the_longest_sound_that_is_let_through_fits(tmp_path: Path, encoders: bool, subsampling: int) -> None:
    section = with_encoders(tmp_path) if encoders else SMALL
    assert section.audio is not None
    audio = section.audio.model_copy(update={"subsampling": subsampling, "longest_s": 2.0})
    model, processor = build_initial_model(section.model_copy(update={"audio": audio}), TEXTS, seed=0)
    samples = perception_of(processor).samples
    assert samples == 2.0 * SAMPLE_RATE
    sound = np.random.default_rng(0).normal(0, 0.1, 4 * SAMPLE_RATE).astype(np.float32)
    with torch.inference_mode():
        model(**processor([ClipInput(None, sound[:samples], None, "en")]))
        with pytest.raises(ValueError, match="positions"):
            model(**processor([ClipInput(None, sound[: 2 * samples], None, "en")]))


def test_frames_are_as_in_the_training_also_after_saving(tmp_path: Path) -> None:
    _, processor = build_initial_model(SMALL, TEXTS, seed=0)
    assert perception_of(processor).decoding == DecodeSettings(frames=4, frame_size=32)
    _, processor = build_initial_model(with_encoders(tmp_path), TEXTS, seed=0)
    processor.save_pretrained(tmp_path / "saved")
    loaded = AffectGPTProcessor.from_pretrained(tmp_path / "saved")
    assert perception_of(loaded) == perception_of(processor)
    assert perception_of(loaded).decoding == DecodeSettings(frames=4, frame_size=16)


def test_a_sense_that_is_not_there_takes_nothing() -> None:
    _, processor = build_initial_model(ModelSection(language_model=LANGUAGE_MODEL, vision=None, audio=AUDIO), TEXTS, 0)
    assert perception_of(processor).decoding.frames == 0
    _, processor = build_initial_model(ModelSection(language_model=LANGUAGE_MODEL, vision=VISION, audio=None), TEXTS, 0)
    assert perception_of(processor).samples == 0


def test_an_image_processor_has_to_say_its_size() -> None:
    _, processor = build_initial_model(SMALL, TEXTS, seed=0)

    class Sized:
        def __init__(self, **size: int) -> None:
            self.size = size

    for size, shorter in (({"shortest_edge": 224}, 224), ({"height": 384, "width": 256}, 256)):
        processor.image_processor = Sized(**size)
        assert processor.frame_size == shorter
    processor.image_processor = Sized(longest_edge=512)
    with pytest.raises(ValueError, match="shortest_edge"):
        _ = processor.frame_size
