"""An epoch from the feature cache beside one that decodes and encodes every clip anew, by a CLIP of base size.

The encoder's weights are drawn at random, which costs the same; the language model is the laptop recipe's. Both runs
are whole ones of ``train``; the encoding of the cache itself, which happens once, is told apart.
"""

import json
from pathlib import Path

import torch
from transformers import CLIPVisionConfig, CLIPVisionModel

from benchmarks.figures import show
from benchmarks.training.runs import run_train, samples_per_s

STEPS_CACHED = 41
STEPS_ANEW = 7
SETTINGS = {
    "model.vision.frames": 8,
    "data.languages": ["en"],
    "data.validation_clips": 1,
    "report.log_every_steps": 1,
    "stages.coarse.epochs": None,
    "stages.coarse.batch_size": 4,
    "stages.coarse.micro_batch_size": 4,
    "checkpoints.every_steps": 1000,
}


def run(data: Path, work: Path) -> None:
    """Compare the samples per second of both."""
    settings = SETTINGS | {"model.vision.encoder": str(_write_clip_base(work / "clip-base"))}
    run_train(data, work / "cached", settings | {"stages.coarse.steps": STEPS_CACHED})
    run_train(data, work / "anew", settings | {"stages.coarse.steps": STEPS_ANEW, "features.enabled": False})
    cached, anew = samples_per_s(work / "cached"), samples_per_s(work / "anew")
    print(f"{cached:.1f} samples a second from the cache, {anew:.2f} encoded anew", flush=True)
    show("training: an epoch from the feature cache, times faster than encoding anew", cached / anew, "", at_least=5)


def _write_clip_base(folder: Path) -> Path:
    """Write the vision tower of CLIP ViT-B/32 at 224 pixels, 88 million random weights, with its preprocessing."""
    torch.manual_seed(0)
    CLIPVisionModel(CLIPVisionConfig(image_size=224, patch_size=32)).save_pretrained(folder)
    preprocessing = {
        "image_processor_type": "CLIPImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"shortest_edge": 224},
        "resample": 3,
        "do_center_crop": True,
        "crop_size": {"height": 224, "width": 224},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessing), encoding="utf-8")
    return folder
