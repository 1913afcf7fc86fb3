"""Steps per second of ``train``'s own loop beside a bare DeepSpeed loop, on one engine in one Ray Train worker.

The loop of ``train`` is ``Learner``: it reads the feature cache, pads, seeds, logs, watches the norm of the gradient.
The bare one calls forward, backward and step on the same batches, which are tensors in memory. They take turns.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq
import ray
import torch
from deepspeed.runtime.engine import DeepSpeedEngine

from affectgpt.clips.local_copies import local_folder
from affectgpt.dataset.connection import connect
from affectgpt.dataset.ledger import Folder
from affectgpt.model.modeling import load_strictly
from affectgpt.model.processing import AffectGPTProcessor
from affectgpt.training.batches import BatchLoader, Tensors, on_device, open_features, read_table
from affectgpt.training.data.parts import assign_parts
from affectgpt.training.data.reading import read_coarse
from affectgpt.training.engine import Team, join_team, make_engine
from affectgpt.training.features.keys import fingerprints_of
from affectgpt.training.features.preparation import prepare_clips
from affectgpt.training.features.settings import PreparationSettings
from affectgpt.training.learning import Learner
from affectgpt.training.metrics import MetricsLog, MetricsRow
from affectgpt.training.order import share_out
from affectgpt.training.output import Output
from affectgpt.training.recipe import Recipe, load_recipe
from affectgpt.training.stage_job import SampleTable, StageJob
from affectgpt.training.tasks import make_initial_model, write_samples
from affectgpt.training.trainable import set_trainable
from benchmarks.figures import show
from benchmarks.training.ray_train import run_workers

ROUNDS = 10
STEPS = 6
SETTINGS = ("data.validation_fraction=0", "report.log_every_steps=1")
WIDER = ("model.language_model.hidden_size=192", "model.language_model.layers=4")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a step took: seconds by the clock, and of this process's CPU time."""

    wall_s: float
    cpu_s: float


class Clock:
    """Is told the end of each step; the first one begins the measurement."""

    def __init__(self) -> None:
        self._marks: list[tuple[float, float]] = []

    def mark(self) -> None:
        self._marks.append((time.monotonic(), time.process_time()))

    def cost(self) -> Cost:
        (wall, cpu), *between, (wall_end, cpu_end) = self._marks
        steps = len(between) + 1
        return Cost((wall_end - wall) / steps, (cpu_end - cpu) / steps)


class TimedLog(MetricsLog):
    """The log of a stage, each row of which is that of one step."""

    def __init__(self, output: Folder, stage: str, step: int, clock: Clock) -> None:
        super().__init__(output, stage, step)
        self._clock = clock

    def write(self, row: MetricsRow) -> None:
        super().write(row)
        self._clock.mark()


def run(data: Path, work: Path) -> None:
    """Compare both loops on the laptop recipe's model and on a larger one."""
    connect(show_workers=False)
    try:
        for name, overrides in (("laptop", ()), ("wider", WIDER)):
            job = _prepare(data, work / name, load_recipe("laptop", [*overrides, *SETTINGS]))
            # The first round warms up.
            _, *rounds = run_workers(compare_loops, job, work / name)
            # The least of each: what else runs on the machine only ever adds.
            (ours_s, ours_cpu_s), (bare_s, bare_cpu_s) = (
                (min(cost.wall_s for cost in costs), min(cost.cpu_s for cost in costs))
                for costs in zip(*rounds, strict=True)
            )
            print(
                f"{name}: {1000 * ours_s:.1f} ms a step of train, {1000 * bare_s:.1f} ms of the bare loop", flush=True
            )
            model = f"{name} model ({1000 * bare_s:.0f} ms a step)"
            show(
                f"training: steps per second, times a bare DeepSpeed loop, {model}", bare_s / ours_s, "", at_least=0.95
            )
            show(
                f"training: CPU of a step, times a bare DeepSpeed loop, {model}",
                ours_cpu_s / bare_cpu_s,
                "",
                at_most=1.05,
            )
    finally:
        ray.shutdown()


def _prepare(data: Path, folder: Path, recipe: Recipe) -> StageJob:
    """Do what ``train`` does before its first stage."""
    output = Output(str(folder))
    clips, _ = assign_parts(read_coarse(str(data)).clips, None, None, 0.0, 1, recipe.data.seed)
    assert clips is not None
    texts = [text for name in ("description_en", "description_zh") for text in clips[name].drop_null().to_pylist()]
    make_initial_model(output.initial, recipe.model, texts, recipe.seed)
    preparation = PreparationSettings(recipe.model, recipe.features, output.initial, output.features(recipe))
    digests = {one.sense: one.digest for one in fingerprints_of(preparation)}
    prepared = prepare_clips(clips, preparation, print)
    Path(output.clips).parent.mkdir(parents=True)
    pq.write_table(prepared, output.clips)
    samples = write_samples(prepared, output.initial, recipe.data, output.samples)
    print(f"{len(samples)} samples of {samples.lengths.mean():.0f} tokens", flush=True)
    return StageJob(
        name="coarse",
        recipe=recipe,
        output=output.uri,
        start=output.initial,
        samples=output.samples,
        clips=output.clips,
        preparation=preparation,
        digests=digests,
        samples_sha256=samples.sha256(recipe.stages.coarse),
    )


def compare_loops(job: StageJob) -> list[tuple[Cost, Cost]]:
    """Let both loops learn the same steps, in turns, the first of a pair being the other one each time."""
    team = join_team()
    samples = SampleTable(read_table(job.samples))
    with local_folder(job.start) as folder:
        processor = AffectGPTProcessor.from_pretrained(folder)
        model = load_strictly(folder, with_encoders=False)
    loader = BatchLoader(samples, processor, open_features(job), job.recipe.workers.loaders)
    set_trainable(model, job.stage.trainable)
    engine = make_engine(model, job.stage, team)
    rounds = []
    for number in range(ROUNDS + 1):
        begin = number * STEPS
        batches = _in_memory(job, samples, loader, begin)
        bare = _bare_loop(engine, batches) if number % 2 else None
        ours = _own_loop(job, team, engine, samples, loader, begin)
        rounds.append((ours, bare or _bare_loop(engine, batches)))
    return rounds


def _in_memory(job: StageJob, samples: SampleTable, loader: BatchLoader, begin: int) -> list[Tensors]:
    stage, device = job.stage, torch.device("cpu")
    batches = samples.order(stage, job.recipe.seed).batches(begin, begin + STEPS)
    micro_batches = [one for batch in batches for one in share_out(batch.samples, 0, 1, stage.micro_batch_size, 1)]
    return [on_device(tensors, device, torch.float32) for tensors in loader.load(micro_batches)]


def _own_loop(
    job: StageJob, team: Team, engine: DeepSpeedEngine, samples: SampleTable, loader: BatchLoader, begin: int
) -> Cost:
    """What a step takes in ``Learner``, without the checkpoint at the end."""
    stage = job.stage.model_copy(update={"epochs": None, "steps": begin + STEPS, "schedule": "constant"})
    stages = job.recipe.stages.model_copy(update={"coarse": stage})
    until = replace(job, recipe=job.recipe.model_copy(update={"stages": stages}))
    clock = Clock()
    with TimedLog(Folder.at(job.output), job.name, begin, clock) as log:
        Learner(until, team, engine, samples, loader, log).learn(begin)
    return clock.cost()


def _bare_loop(engine: DeepSpeedEngine, batches: Sequence[Tensors]) -> Cost:
    clock = Clock()
    engine.train()
    for tensors in batches:
        engine.backward(engine(**tensors, return_logits=False).loss)
        engine.step()
        clock.mark()
    return clock.cost()
