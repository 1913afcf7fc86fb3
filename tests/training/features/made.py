"""What the tests of the features share: the checkpoints of small models, and tables of clips."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from affectgpt.training.data.schema import CLIPS
from affectgpt.training.features.settings import PreparationSettings
from affectgpt.training.initial_model import build_initial_model
from affectgpt.training.recipe import AudioSection, FeaturesSection, LanguageModelSection, ModelSection, VisionSection
from tests.model.tiny import tiny_clip, tiny_hubert

LANGUAGE_MODEL = LanguageModelSection(vocabulary=300, hidden_size=32, layers=1)
VISION = VisionSection(frames=4, queries=4, hidden_size=32, layers=1)
AUDIO = AudioSection(queries=4, hidden_size=32, layers=1, longest_s=5.0)
SMALL = ModelSection(language_model=LANGUAGE_MODEL, vision=VISION, audio=AUDIO)


def with_encoders(folder: Path) -> ModelSection:
    """A small model with encoders that have weights, which are made below a folder."""
    clip, hubert = folder / "clip", folder / "hubert"
    if not clip.exists():
        tiny_clip(clip)
        tiny_hubert(hubert)
    return ModelSection(
        language_model=LANGUAGE_MODEL,
        vision=VISION.model_copy(update={"encoder": str(clip)}),
        audio=AUDIO.model_copy(update={"encoder": str(hubert)}),
    )


def make_settings(folder: Path, model: ModelSection = SMALL, **features) -> PreparationSettings:
    """Build a model, save it below a folder, and say how clips are prepared for it, with a cache beside it."""
    checkpoint = folder / "model"
    if not checkpoint.exists():
        built, processor = build_initial_model(model, ["She sounds calm.", "他听起来很平静。"] * 20, seed=0)
        built.save_pretrained(checkpoint)
        processor.save_pretrained(checkpoint)
    return PreparationSettings(model, FeaturesSection(**features), str(checkpoint), str(folder / "cache"))


def clips_table(files: Sequence[Path], dataset: str = "coarse", **columns) -> pa.Table:
    """Make a table of CLIPS, one for each file; ``columns`` are the same for all."""
    rows = [{"dataset": dataset, "clip_id": file.stem, "uri": str(file), "part": "train", **columns} for file in files]
    return pa.Table.from_pylist(rows, CLIPS)
