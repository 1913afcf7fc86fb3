"""A training report with made figures, in the range of a small run on two cores."""

from typing import Any

import numpy as np

from affectgpt.training.metrics import MetricsRow, TrainRow, ValidationRow
from affectgpt.training.report.content import (
    DatasetSummary,
    LeftOut,
    LeftOutClip,
    ModelPart,
    SampleClip,
    SampleDescription,
    Scores,
    StageSummary,
    TrainingReport,
)


def made_metrics(
    stage: str = "coarse",
    steps: int = 600,
    start: float = 7.4,
    end: float = 0.86,
    rate: float = 2e-3,
    best: float = 0.8,
) -> list[MetricsRow]:
    """Make a noisy curve that falls, logged every 5 steps, and a validation every 50 that turns after ``best``."""
    rng = np.random.default_rng(steps)
    rows: list[MetricsRow] = []
    for step in range(0, steps + 1, 5):
        share = step / steps
        falling = end + (start - end) * np.exp(-6 * share)
        if step:
            warm = min(share / 0.1, 1.0)
            rows.append(
                TrainRow(
                    stage=stage,
                    step=step,
                    epoch=step / 38,
                    samples=step * 32,
                    loss=float(falling * rng.lognormal(0, 0.07)),
                    learning_rate=rate * (warm if warm < 1 else 0.5 + 0.5 * np.cos(np.pi * (share - 0.1) / 0.9)),
                    gradient_norm=float(0.4 + 3 * np.exp(-8 * share) * rng.lognormal(0, 0.3)),
                    samples_per_s=float(rng.normal(410, 9)),
                    tokens_per_s=float(rng.normal(61_000, 1_400)),
                    seconds=step * 0.078,
                )
            )
        if step % 50 == 0:
            held_out = falling * 1.06 + 0.5 * max(share - best, 0.0)
            rows.append(ValidationRow(stage, step, 256, float(held_out), float(1 / (1 + held_out))))
    return rows


def made_sample(**changes: Any) -> SampleClip:
    """Make one held-out clip with its reference and three descriptions."""
    content = {
        "clip_id": "sample_00000033",
        "dataset": "fine",
        "language": "en",
        "senses": ["video", "sound"],
        "subtitle": "You know that the rowers are all beginners; how could they possibly win?",
        "reference": (
            "A man is seen close up, his brow drawn together, in dim light. He speaks fast, low and without a pause. "
            "The words doubt that a crew of beginners can win. Taken together he seems worried, and pessimistic about "
            "how the race will end."
        ),
        "reference_labels": ["worried", "pessimistic", "anxious"],
        "descriptions": [
            SampleDescription(None, "the of voice and, low of picture the the speaks . is face one of the of", []),
            SampleDescription(
                "coarse",
                "What the frames show: one face, in view all the time; the head is still. To the ear: fast, low and "
                "flat. All in all, the speaker seems sad, and to a lesser degree angry.",
                ["sad", "angry"],
            ),
            SampleDescription(
                "fine",
                "The man keeps his brow low and speaks quickly, in a low voice. The words say that beginners cannot "
                "win. He seems worried and impatient.",
                ["worried", "impatient"],
                ["worried"],
            ),
        ],
    }
    return SampleClip(**{**content, **changes})


CHINESE_SAMPLE = {
    "clip_id": "sample_00000007",
    "language": "zh",
    "senses": ["sound"],
    "subtitle": "那就不见不散了啊，哎，好，再见。",
    "reference": "她拿着电话微笑，嘴角上扬；声音响亮，带着笑意；话里约好了见面。她显得高兴，也很期待。",
    "reference_labels": ["高兴", "期待"],
    "descriptions": [
        SampleDescription(None, "", []),
        SampleDescription("coarse", "仅凭声音，音调偏高，语速偏快，显得开心。", ["开心"], ["开心"]),
        SampleDescription(
            "fine", "她的声音里带着笑意，话里约好见面，显得高兴而期待。", ["高兴", "期待"], ["高兴", "期待"]
        ),
    ],
}


def made_report(**changes: Any) -> TrainingReport:
    """Make the report of a run of both stages."""
    content = {
        "name": "affectgpt-laptop",
        "created_at": "2026-05-03T14:05:11+00:00",
        "pipeline_version": "0.1.0",
        "output": "/data/affectgpt-laptop",
        "wall_s": 194.2,
        "start_up_s": 31.5,
        "device": "2 CPU workers (gloo), float32, ZeRO-2",
        "parts": [
            ModelPart("language model", "Qwen3ForCausalLM", None, 912_384, {"coarse": "full", "fine": "frozen"}),
            ModelPart("vision encoder", "patches of 8 × 8 pixels", None, 0, {"coarse": "frozen", "fine": "frozen"}),
            ModelPart("vision branch", "Q-Former, 32 queries", None, 540_160, {"coarse": "full", "fine": "full"}),
            ModelPart("audio encoder", "log-mel spectra", None, 0, {"coarse": "frozen", "fine": "frozen"}),
            ModelPart("audio branch", "Q-Former, 8 queries", None, 512_900, {"coarse": "full", "fine": "full"}),
        ],
        "base_models": [],
        "senses": ["video", "sound"],
        "languages": ["en", "zh"],
        "datasets": [
            DatasetSummary(
                "coarse", "s3://emer/coarse", 1204, 120, {"en": 1204, "zh": 1204}, {"en": 120, "zh": 120}, 11
            ),
            DatasetSummary(
                "fine", "/data/emer_fine/v2_bilingual.csv", 298, 33, {"en": 298, "zh": 298}, {"en": 33, "zh": 33}, 1
            ),
        ],
        "train_clips": 1380,
        "validation_clips": 149,
        "stages": [
            StageSummary("coarse", {"coarse": 1.0}, 1_965_444, 1_965_444, 600, 15.8, 19_200, 46.8, 500, 1.03),
            StageSummary("fine", {"fine": 0.8, "coarse": 0.2}, 1_965_444, 1_053_060, 200, 5.3, 6_400, 15.9, 100, 0.907),
        ],
        "metrics": [*made_metrics(), *made_metrics("fine", 200, 1.6, 0.82, 1e-3, 0.6)],
        "scores": [
            Scores(None, 33, 0.021, 0.012, 0.0153),
            Scores("coarse", 33, 0.312, 0.288, 0.2995, (0.21, 0.39)),
            Scores("fine", 33, 0.487, 0.451, 0.4683, (0.37, 0.56)),
        ],
        "scoring": "Labels are found by the lexicon and grouped by the emotion wheel, level 1.",
        "samples": [made_sample(), made_sample(**CHINESE_SAMPLE)],
        "left_out": [
            LeftOut(
                "coarse",
                "not-found",
                9,
                [
                    LeftOutClip("talks/one", "/media/talks/one.mp4 does not exist; check its spelling"),
                    LeftOutClip("talks/two", "/media/talks/two.mp4 does not exist; check its spelling"),
                ],
            ),
            LeftOut("coarse", "decoder-crashed", 2, [LeftOutClip("talks/odd", "The decoder ended with signal 11.")]),
            LeftOut("fine", "no-description", 1, [LeftOutClip("sample_00000099", "It has no description in Chinese.")]),
        ],
        "recipe": {"seed": 0, "stages": {"coarse": {"data": {"coarse": 1.0}, "epochs": 15.8}}},
        "notes": ["The run was interrupted once and went on from step 400 of stage coarse."],
        "versions": {"torch": "2.13.0", "transformers": "5.19.0", "deepspeed": "0.19.8", "ray": "2.60.0"},
    }
    return TrainingReport(**{**content, **changes})
