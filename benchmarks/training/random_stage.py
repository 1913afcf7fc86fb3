"""A stage of ``train`` with nothing real in it but its sizes: weights, features and tokens drawn at random."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from transformers import CLIPVisionConfig, HubertConfig, Qwen2Config

from affectgpt.model.configuration import AffectGPTBranchConfig, AffectGPTConfig
from affectgpt.model.frame_features import PatchImageProcessor
from affectgpt.model.processing import AffectGPTProcessor
from affectgpt.model.prompt import phrasings
from affectgpt.model.sound_features import LogMelFeatureExtractor
from affectgpt.model.tokenizer import LEAST_VOCABULARY, learn_tokenizer
from affectgpt.training.data.schema import SAMPLES
from affectgpt.training.features.settings import PreparationSettings
from affectgpt.training.features.shards import SenseCache
from affectgpt.training.recipe import Recipe
from affectgpt.training.stage_job import StageJob

CLIPS = 32
FRAMES, PATCHES, SOUND_STEPS = 8, 257, 250
"""What CLIP ViT-L/14 and HuBERT give for 8 frames and 5 s of sound."""
TOKENS, ANSWER_TOKENS = 512, 256
VIDEO_TOKENS, AUDIO_TOKENS, FUSED_TOKENS = 32, 8, 1
DIGEST = "random"


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of an AffectGPT.

    Attributes:
        language_model: settings of a Qwen2 configuration.
        feature_size: width of what both encoders give.
        branch_size: width of both branches.
    """

    language_model: dict[str, Any]
    feature_size: int = 1024
    branch_size: int = 768

    def config(self) -> AffectGPTConfig:
        """Make the configuration of the model; its placeholders are the last tokens of the vocabulary."""
        text = Qwen2Config(**self.language_model)
        branch: dict[str, Any] = {
            "fusion": "qformer",
            "hidden_size": self.branch_size,
            "layers": 2,
            "heads": 12,
            "dropout": 0.1,
        }
        return AffectGPTConfig(
            text_config=text,
            vision_config=CLIPVisionConfig(hidden_size=self.feature_size),
            audio_config=HubertConfig(hidden_size=self.feature_size),
            vision_branch=AffectGPTBranchConfig(queries=VIDEO_TOKENS, positions=FRAMES, **branch),
            audio_branch=AffectGPTBranchConfig(queries=AUDIO_TOKENS, positions=SOUND_STEPS, **branch),
            pre_fusion="attention",
            pre_fusion_tokens=FUSED_TOKENS,
            video_token_id=text.vocab_size - 1,
            audio_token_id=text.vocab_size - 2,
            fused_token_id=text.vocab_size - 3,
        )


def make_job(shape: Shape, recipe: Recipe, folder: Path) -> StageJob:
    """Write features and samples of random clips below a folder, and say how the stage is run on them."""
    rng = np.random.default_rng(0)
    keys = [f"{number:064x}" for number in range(CLIPS)]
    cache = folder / "features"
    for sense, features_of_one in (
        ("vision", (FRAMES, PATCHES, shape.feature_size)),
        ("audio", (SOUND_STEPS, shape.feature_size)),
    ):
        drawn = [rng.standard_normal(features_of_one, np.float32).astype(np.float16) for _ in keys]
        SenseCache(str(cache), sense, DIGEST).write(list(zip(keys, drawn, strict=True)))
    samples = folder / "samples.parquet"
    pq.write_table(_samples(shape.config(), keys, rng), samples)
    return StageJob(
        name="coarse",
        recipe=recipe,
        output=str(folder),
        start="",
        samples=str(samples),
        clips="",
        preparation=PreparationSettings(recipe.model, recipe.features, "", str(cache)),
        digests={"vision": DIGEST, "audio": DIGEST},
        samples_sha256=DIGEST,
    )


def make_processor() -> AffectGPTProcessor:
    """Make a processor that pads and stacks examples; of its tokenizer only the padding is used."""
    tokenizer = learn_tokenizer(phrasings("en"), LEAST_VOCABULARY, TOKENS)
    return AffectGPTProcessor(
        PatchImageProcessor(), LogMelFeatureExtractor(), tokenizer, VIDEO_TOKENS, AUDIO_TOKENS, FUSED_TOKENS
    )


def _samples(config: AffectGPTConfig, keys: list[str], rng: np.random.Generator) -> pa.Table:
    placeholders = [config.audio_token_id] * AUDIO_TOKENS
    placeholders += [config.video_token_id] * VIDEO_TOKENS + [config.fused_token_id] * FUSED_TOKENS
    words = config.fused_token_id
    texts = [placeholders + rng.integers(0, words, TOKENS - len(placeholders)).tolist() for _ in keys]
    rows = [
        {
            "sample_id": key,
            "clip_key": key,
            "dataset": "coarse",
            "part": "train",
            "clip_id": key,
            "language": "en",
            "answer": "",
            "input_ids": text,
            "answer_start": TOKENS - ANSWER_TOKENS,
            "token_weights": None,
            "length": TOKENS,
            "loss_weight": float(ANSWER_TOKENS),
        }
        for key, text in zip(keys, texts, strict=True)
    ]
    return pa.Table.from_pylist(rows, SAMPLES)
