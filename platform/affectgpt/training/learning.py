"""The loop of a stage: steps of the optimizer, validation, checkpoints."""

import math
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import ray.train
import torch
from deepspeed.runtime.engine import DeepSpeedEngine
from ray.train import Checkpoint

from affectgpt.training.batches import BatchLoader, Tensors, on_device
from affectgpt.training.engine import Team
from affectgpt.training.metrics import MetricsLog, TrainRow, ValidationRow
from affectgpt.training.order import Batch, micro_steps, share_out
from affectgpt.training.schedule import learning_rate
from affectgpt.training.stage_job import VALIDATION_LOSS, Ending, SampleTable, StageJob, steps_of
from affectgpt.training.states import Position, save_states

_NAMED = 8


@dataclass(slots=True)
class _Interval:
    """What was learnt since the last row of the log."""

    began: float = field(default_factory=time.monotonic)
    weighted_loss: float = 0.0
    weight: float = 0.0
    samples: int = 0
    tokens: int = 0


class Learner:
    """One worker's part in a stage, once everything is set up."""

    def __init__(
        self,
        job: StageJob,
        team: Team,
        engine: DeepSpeedEngine,
        samples: SampleTable,
        loader: BatchLoader,
        log: MetricsLog | None,
    ) -> None:
        """Take what the loop works on.

        Args:
            job: what the stage is.
            team: this worker.
            engine: with the states of the step from which the stage goes on.
            samples: all samples of the run.
            loader: makes tensors of them.
            log: where the figures go, in one of the workers.
        """
        self._job, self._stage, self._team, self._engine = job, job.stage, team, engine
        self._samples, self._loader, self._log = samples, loader, log
        self._order = samples.order(self._stage, job.recipe.seed)
        self._steps = steps_of(self._stage, self._order)
        self._micro_steps = micro_steps(self._stage.batch_size, team.workers, self._stage.micro_batch_size)
        self._validation = samples.held_out(self._stage)
        self._dtype = getattr(torch, self._stage.deepspeed.dtype)
        self._interval = _Interval()
        self._learnt = 0
        self._first_step_at: float | None = None
        self._seconds = 0.0

    def learn(self, done: int) -> Ending:
        """Learn the steps from ``done`` on; validate and save every so many, and at the end."""
        every = self._job.recipe.checkpoints.every_steps
        self._learnt = sum(len(batch.samples) for batch in self._order.batches(0, done))
        if done == 0:
            self._log_validation(0, self._validate())
        while done < self._steps:
            end = min(done + every - done % every, self._steps)
            ending = self._learn_until(done, end)
            if ending is not None:
                return ending
            self._save(end, self._validate())
            done = end
        return Ending("done", first_step_at=self._first_step_at)

    def _learn_until(self, begin: int, end: int) -> Ending | None:
        batches = list(self._order.batches(begin, end))
        micro_batches = [
            micro
            for batch in batches
            for micro in share_out(
                batch.samples, self._team.rank, self._team.workers, self._stage.micro_batch_size, self._micro_steps
            )
        ]
        tensors = self._loader.load(micro_batches)
        self._engine.train()
        self._interval = _Interval()
        for batch in batches:
            loss = self._step(batch, islice(tensors, self._micro_steps))
            norm = float(self._engine.get_global_grad_norm() or 0.0)
            self._first_step_at = self._first_step_at or time.time()
            self._count(batch, loss)
            if not (math.isfinite(loss) and math.isfinite(norm)):
                self._log_step(batch, norm)
                return self._not_finite(batch, loss, norm)
            if (batch.step + 1) % self._job.recipe.report.log_every_steps == 0 or batch.step + 1 == end:
                self._log_step(batch, norm)
        return None

    def _step(self, batch: Batch, micro_batches: Iterator[Tensors]) -> float:
        """Take one step of the optimizer, and return the mean loss of the batch's tokens over all workers."""
        rate = learning_rate(self._stage, batch.step, self._steps)
        for group in self._engine.optimizer.param_groups:
            group["lr"] = rate
        weight = float(self._samples.weights[batch.samples].sum())
        # DeepSpeed takes the mean over micro-batches and workers; the loss is to be the mean over all tokens.
        share = weight / (self._micro_steps * self._team.workers)
        summed = torch.zeros((), dtype=torch.float64, device=self._team.device)
        for number, tensors in enumerate(micro_batches):
            self._seed_dropout(batch.step, number)
            output = self._engine(
                **on_device(tensors, self._team.device, self._dtype), num_items=share, return_logits=False
            )
            self._engine.backward(output.loss)
            self._engine.step()
            summed += output.loss.detach().double()
        return self._team.sum(summed) * share / weight

    def _seed_dropout(self, step: int, number: int) -> None:
        """Let what chance decides in a step be the same however often the run is interrupted."""
        key = (self._job.recipe.seed, step, self._team.rank, number)
        torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1)[0]))

    @torch.no_grad()
    def _validate(self) -> float | None:
        """Return the mean loss of the held-out samples' tokens, or None where there are none."""
        if not len(self._validation):
            return None
        size = self._stage.micro_batch_size
        steps = micro_steps(len(self._validation), self._team.workers, size)
        by_length = self._validation[np.argsort(self._samples.lengths[self._validation], kind="stable")]
        shares = share_out(by_length, self._team.rank, self._team.workers, size, steps)
        summed = torch.zeros((), dtype=torch.float64, device=self._team.device)
        self._engine.eval()
        for tensors in self._loader.load(shares):
            moved = on_device(tensors, self._team.device, self._dtype)
            summed += self._engine(**moved, num_items=1.0, return_logits=False).loss.double()
        return self._team.sum(summed) / float(self._samples.weights[self._validation].sum())

    def _save(self, step: int, validation_loss: float | None) -> None:
        self._log_validation(step, validation_loss)
        if self._log is not None:
            self._log.flush()
        metrics = {"step": step} | ({} if validation_loss is None else {VALIDATION_LOSS: validation_loss})
        position = Position(step, self._steps, self._team.workers, self._job.samples_sha256)
        with tempfile.TemporaryDirectory(prefix="affectgpt-states-") as folder:
            save_states(self._engine, position, Path(folder), self._team.rank)
            ray.train.report(metrics, checkpoint=Checkpoint.from_directory(folder))

    def _count(self, batch: Batch, loss: float) -> None:
        weight = float(self._samples.weights[batch.samples].sum())
        self._interval.weighted_loss += loss * weight
        self._interval.weight += weight
        self._interval.samples += len(batch.samples)
        self._interval.tokens += int(self._samples.lengths[batch.samples].sum())
        self._learnt += len(batch.samples)

    def _log_step(self, batch: Batch, norm: float) -> None:
        interval, now = self._interval, time.monotonic()
        seconds = max(now - interval.began, 1e-9)
        self._seconds += seconds
        self._interval = _Interval(now)
        if self._log is None:
            return
        self._log.write(
            TrainRow(
                stage=self._job.name,
                step=batch.step + 1,
                epoch=self._learnt / self._order.samples_per_epoch,
                samples=self._learnt,
                loss=interval.weighted_loss / interval.weight,
                learning_rate=learning_rate(self._stage, batch.step, self._steps),
                gradient_norm=norm,
                samples_per_s=interval.samples / seconds,
                tokens_per_s=interval.tokens / seconds,
                seconds=self._seconds,
            )
        )

    def _log_validation(self, step: int, loss: float | None) -> None:
        if self._log is not None and loss is not None:
            self._log.write(ValidationRow(self._job.name, step, len(self._validation), loss, None))

    def _not_finite(self, batch: Batch, loss: float, norm: float) -> Ending:
        names = [self._samples.name(int(place)) for place in batch.samples]
        listed = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
        return Ending(
            "not finite",
            f"stage {self._job.name}, step {batch.step + 1}: the loss is {loss}, the norm of the gradient {norm}; its "
            f"batch was {listed}; the checkpoint before it is kept. Look at these clips, lower "
            f"stages.{self._job.name}.learning_rate or its gradient_clipping, and name a new output",
        )
