from pathlib import Path

import numpy as np
import pytest
import torch

from affectgpt.clips.decoding import DecodeSettings
from affectgpt.clips.media import SAMPLE_RATE
from affectgpt.errors import RequestError
from affectgpt.inference.perception import perception_of, shorter_side
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
    samples = perception_of(model, processor).samples
    assert 2.0 * SAMPLE_RATE <= samples <= 2.3 * SAMPLE_RATE
    sound = np.random.default_rng(0).normal(0, 0.1, 4 * SAMPLE_RATE).astype(np.float32)
    with torch.inference_mode():
        model(**processor([ClipInput(None, sound[:samples], None, "en")]))
        with pytest.raises(ValueError, match="positions"):
            model(**processor([ClipInput(None, sound[: samples + SAMPLE_RATE], None, "en")]))


def test_frames_are_as_in_the_training(tmp_path: Path) -> None:
    model, processor = build_initial_model(SMALL, TEXTS, seed=0)
    assert perception_of(model, processor).decoding == DecodeSettings(frames=4, frame_size=32)
    model, processor = build_initial_model(with_encoders(tmp_path), TEXTS, seed=0)
    assert perception_of(model, processor).decoding == DecodeSettings(frames=4, frame_size=16)


def test_a_sense_that_is_not_there_takes_nothing() -> None:
    model, processor = build_initial_model(
        ModelSection(language_model=LANGUAGE_MODEL, vision=None, audio=AUDIO), TEXTS, 0
    )
    assert perception_of(model, processor).decoding.frames == 0
    model, processor = build_initial_model(
        ModelSection(language_model=LANGUAGE_MODEL, vision=VISION, audio=None), TEXTS, 0
    )
    assert perception_of(model, processor).samples == 0


def test_what_the_processor_says_counts_before_what_the_model_could_take() -> None:
    model, processor = build_initial_model(SMALL, TEXTS, seed=0)
    processor.frames, processor.longest_s = 3, 1.5
    perception = perception_of(model, processor)
    assert perception.decoding.frames == 3
    assert perception.samples == 1.5 * SAMPLE_RATE


def test_an_image_processor_has_to_say_its_size() -> None:
    class Sized:
        def __init__(self, **size: int) -> None:
            self.size = size

    assert shorter_side(Sized(shortest_edge=224)) == 224
    assert shorter_side(Sized(height=384, width=256)) == 256
    with pytest.raises(RequestError, match="shortest_edge"):
        shorter_side(Sized(longest_edge=512))
