"""A small model that was really trained: it says what a clip has, in two languages."""

from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from affectgpt.clips.media import SAMPLE_RATE
from affectgpt.evaluation.text_language import Language
from affectgpt.model import AffectGPTForConditionalGeneration, AffectGPTProcessor, ClipInput
from affectgpt.training.initial_model import build_initial_model
from affectgpt.training.recipe import ModelSection
from tests.media import picture, tone
from tests.training.features.made import SMALL

# By what a clip has: video, sound.
ANSWERS: dict[tuple[bool, bool, Language], str] = {
    (True, True, "en"): "She feels calm.",
    (True, False, "en"): "She feels angry.",
    (False, True, "en"): "She feels sad.",
    (False, False, "en"): "She feels happy.",
    (True, True, "zh"): "她感到平静。",
    (False, True, "zh"): "她感到悲伤。",
}
SUBTITLES = (None, "Good morning.", "He left without saying goodbye.", "Thank you so much!")
STEPS = 100


def answer(has_video: bool, has_audio: bool, language: Language = "en") -> str:
    return ANSWERS[has_video, has_audio, language]


def trained_model(section: ModelSection = SMALL) -> tuple[AffectGPTForConditionalGeneration, AffectGPTProcessor]:
    """Give a model of a recipe's section; each is trained once in a process."""
    return _trained(section)


@cache
def _trained(section: ModelSection) -> tuple[AffectGPTForConditionalGeneration, AffectGPTProcessor]:
    model, processor = build_initial_model(section, list(ANSWERS.values()) * 20, seed=0)
    examples = [
        ClipInput(
            _frames(seed) if has_video else None,
            _sound(seed) if has_audio else None,
            SUBTITLES[seed],
            language,
            answer=text,
        )
        for (has_video, has_audio, language), text in ANSWERS.items()
        for seed in range(len(SUBTITLES))
        if has_video or has_audio or SUBTITLES[seed]
    ]
    batch = processor(examples, padding_side="right", label=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(STEPS):
        optimizer.zero_grad()
        # In evaluation nothing is dropped at random, so that each test run has the same model.
        model(**batch).loss.backward()
        optimizer.step()
    return model, processor


def _frames(seed: int) -> NDArray[np.uint8]:
    return np.stack([picture(13 * number + seed, 48, 32) for number in range(2, 6)])


def _sound(seed: int) -> NDArray[np.float32]:
    return tone(1.0 + 0.5 * seed, SAMPLE_RATE)


def save_trained(folder: Path, section: ModelSection = SMALL) -> Path:
    """Save the model as ``train`` does."""
    model, processor = trained_model(section)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
