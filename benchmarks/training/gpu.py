"""What ``train`` makes of GPUs: tokens per second and model FLOPs utilisation (MFU), for models of Qwen2.5's sizes.

    python -m benchmarks.training.gpu [--only NAME ...] [--micro-batch-size N] [--peak-tflops X] [--smoke]

The loop, the feature cache, DeepSpeed (ZeRO-2, bfloat16) and the samples' way are those of ``train``; weights, features
and tokens are random. ``--smoke`` runs through with tiny sizes, on a CPU too, and judges nothing.

MFU is by Chowdhery et al., PaLM (arXiv 2204.02311), appendix B: the arithmetic that the model needs, whatever is
recomputed, over the peak of the hardware. A token takes 2 FLOPs for each weight forward, 2 backward for what flows on,
and 2 for the weight's own gradient where it is trained: 6N in full training; 4N, and 6 for each weight of an adapter,
with LoRA. Attention takes 12 x layers x heads x head size x length. The output layer counts only for the answers'
tokens, the only ones for which it is computed; the branches do not count.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import ray
import torch

from affectgpt.dataset.connection import connect
from affectgpt.dataset.ledger import Folder
from affectgpt.model.modeling import AffectGPTForConditionalGeneration
from affectgpt.training.batches import BatchLoader, open_features, read_table
from affectgpt.training.engine import join_team, make_engine
from affectgpt.training.learning import Learner
from affectgpt.training.memory import available_bytes, estimate
from affectgpt.training.metrics import MetricsLog
from affectgpt.training.recipe import load_recipe
from affectgpt.training.stage_job import SampleTable, StageJob
from affectgpt.training.trainable import set_trainable
from benchmarks.figures import show
from benchmarks.training.random_stage import ANSWER_TOKENS, TOKENS, Shape, make_job, make_processor
from benchmarks.training.ray_train import run_workers
from benchmarks.training.runs import train_rows

STEPS, WARM_UP = 40, 10
QWEN_05B = Shape(
    {
        "vocab_size": 151_936,
        "hidden_size": 896,
        "intermediate_size": 4864,
        "num_hidden_layers": 24,
        "num_attention_heads": 14,
        "num_key_value_heads": 2,
        "tie_word_embeddings": True,
    }
)
QWEN_7B = Shape(
    {
        "vocab_size": 152_064,
        "hidden_size": 3584,
        "intermediate_size": 18_944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "tie_word_embeddings": False,
    }
)
TINY = Shape(
    {
        "vocab_size": 512,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "tie_word_embeddings": True,
    },
    feature_size=24,
    branch_size=48,
)
PEAK_TFLOPS = {"H100 PCIe": 756, "H100 NVL": 835, "H100": 989, "H200": 989, "A100": 312}
"""Dense bfloat16, by NVIDIA's data sheets; the first name that a device's name holds."""


@dataclass(frozen=True, slots=True)
class Case:
    """A model and how its language model is trained."""

    shape: Shape
    language_model: Literal["lora", "full"]
    micro_batch_size: int
    at_least: float | None = None


CASES = {
    "0.5B-full": Case(QWEN_05B, "full", 16),
    "0.5B-lora": Case(QWEN_05B, "lora", 16),
    "7B-lora": Case(QWEN_7B, "lora", 8, at_least=45),
    "7B-full": Case(QWEN_7B, "full", 8, at_least=45),
}
SMOKE = {"tiny-full": Case(TINY, "full", 2), "tiny-lora": Case(TINY, "lora", 2)}


@dataclass(frozen=True, slots=True)
class Speed:
    """What a case came to: of one GPU, or why it did not run."""

    tokens_per_s: float
    flops_per_token: float
    peak_gib: float
    refused: str = ""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the cases that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--micro-batch-size", type=int, help="instead of each case's own")
    parser.add_argument("--peak-tflops", type=float, help="of one GPU, dense bfloat16, where it is not a known one")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes, on whatever there is")
    options = parser.parse_args(arguments)
    gpus = torch.cuda.device_count()
    if not gpus and not options.smoke:
        print("gpu: none here; with --smoke the benchmark runs through on a CPU", flush=True)
        return
    device = torch.cuda.get_device_name(0) if gpus else "CPU"
    peak = options.peak_tflops or next((one for name, one in PEAK_TFLOPS.items() if name in device), None)
    print(f"{max(1, gpus)} x {device}, samples of {TOKENS} tokens, {ANSWER_TOKENS} of them answer", flush=True)
    connect(show_workers=False)
    try:
        for name, case in (SMOKE if options.smoke else {name: CASES[name] for name in options.only}).items():
            with tempfile.TemporaryDirectory() as folder:
                speed = _measure(case, options.micro_batch_size or case.micro_batch_size, gpus, Path(folder))
            _report(name, case, speed, None if options.smoke else peak)
    finally:
        ray.shutdown()


def _measure(case: Case, micro_batch_size: int, gpus: int, folder: Path) -> Speed:
    workers = max(1, gpus)
    overrides = {
        "epochs": "null",
        "steps": STEPS,
        "micro_batch_size": micro_batch_size,
        "batch_size": micro_batch_size * workers,
        "trainable.language_model": case.language_model,
        "deepspeed.gradient_checkpointing": "false",
    }
    stage = [f"stages.coarse.{key}={value}" for key, value in overrides.items()]
    reading = [
        f"report.log_every_steps={WARM_UP}",
        f"checkpoints.every_steps={STEPS}",
        f"workers.loaders={min(2, gpus)}",
    ]
    job = make_job(case.shape, load_recipe("gpu", [*stage, *reading]), folder)
    return run_workers(learn_randomly, (job, case.shape), folder, workers, gpu=gpus > 0)


def learn_randomly(given: tuple[StageJob, Shape]) -> Speed:
    """Run a stage on a model whose weights are drawn at random."""
    job, shape = given
    team = join_team()
    samples = SampleTable(read_table(job.samples))
    with torch.device(team.device):
        model = AffectGPTForConditionalGeneration(shape.config(), with_encoders=False)
    model.to(torch.bfloat16)
    set_trainable(model, job.stage.trainable)
    flops = flops_per_token(model)
    if team.device.type == "cuda":
        torch.cuda.empty_cache()
    needed = estimate(model, job.stage, team.workers, TOKENS)
    if team.sum(float(needed.device - needed.parameters > available_bytes(team.device))):
        return Speed(0.0, flops, 0.0, refused=needed.explain())
    engine = make_engine(model, job.stage, team)
    loader = BatchLoader(samples, make_processor(), open_features(job), job.recipe.workers.loaders)
    log = MetricsLog(Folder.at(job.output), job.name) if team.rank == 0 else None
    Learner(job, team, engine, samples, loader, log).learn(0)
    if log is None:
        return Speed(0.0, flops, 0.0)
    log.close()
    warm, *_, last = train_rows(Path(job.output))
    tokens = (last.samples - warm.samples) * TOKENS / (last.seconds - warm.seconds)
    peak = torch.cuda.max_memory_allocated() if team.device.type == "cuda" else 0
    return Speed(tokens / team.workers, flops, peak / 2**30)


def flops_per_token(model: AffectGPTForConditionalGeneration) -> float:
    """FLOPs that training takes for one token, on the average over a sample; see the module."""
    text = model.config.get_text_config()
    head = model.get_output_embeddings().weight
    looked_up = model.get_input_embeddings().weight
    body = [weight for weight in model.language_model.parameters() if weight is not head and weight is not looked_up]
    layers = sum(weight.numel() * (6 if weight.requires_grad else 4) for weight in body)
    output = head.numel() * (6 if head.requires_grad else 4) * ANSWER_TOKENS / TOKENS
    head_size = text.hidden_size // text.num_attention_heads
    return layers + output + 12 * text.num_hidden_layers * text.num_attention_heads * head_size * TOKENS


def _report(name: str, case: Case, speed: Speed, peak_tflops: float | None) -> None:
    if speed.refused:
        print(f"{name}: left out, there is not the memory: it needs about {speed.refused}", flush=True)
        return
    tflops = speed.tokens_per_s * speed.flops_per_token / 1e12
    print(
        f"{name}: {speed.tokens_per_s:,.0f} tokens a second and device, {speed.flops_per_token / 1e9:.3g} GFLOPs a "
        f"token, {tflops:.3g} TFLOP/s, {speed.peak_gib:.1f} GiB at most",
        flush=True,
    )
    if peak_tflops is not None:
        show(f"training: MFU, {name}", 100 * tflops / peak_tflops, "%", at_least=case.at_least)


if __name__ == "__main__":
    main()
