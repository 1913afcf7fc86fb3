"""What the workers of a stage are told, and how a stage can end."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from affectgpt.errors import JobError
from affectgpt.training.features.settings import PreparationSettings, Sense
from affectgpt.training.order import Indices, SampleOrder
from affectgpt.training.recipe import Recipe, StageSection

VALIDATION_LOSS = "validation_loss"
"""The metric by which checkpoints are chosen."""


class SampleTable:
    """The samples of a run, by their places."""

    def __init__(self, table: pa.Table) -> None:
        """Take a table of ``affectgpt.training.data.schema.SAMPLES``."""
        self.rows = table.combine_chunks()
        self.lengths: Indices = self.rows["length"].to_numpy().astype(np.int64)
        self.weights = self.rows["loss_weight"].to_numpy().astype(np.float64)

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    def places(self, part: str, dataset: str | None = None) -> Indices:
        """Say where the samples of a part are, of one data set or of all."""
        chosen = self.rows["part"].to_numpy(zero_copy_only=False) == part
        if dataset is not None:
            chosen &= self.rows["dataset"].to_numpy(zero_copy_only=False) == dataset
        return np.flatnonzero(chosen)

    def clip_key(self, place: int) -> str:
        """Name the features of a sample's clip."""
        return str(self.rows["clip_key"][place].as_py())

    def name(self, place: int) -> str:
        """Return the id of a sample, for messages."""
        return str(self.rows["sample_id"][place].as_py())

    def check_trainable(self, name: str, stage: StageSection) -> None:
        """See that a stage has something to learn of each of its data sets.

        Args:
            name: of the stage.
            stage: its settings.

        Raises:
            JobError: it has not.
        """
        for dataset in stage.data:
            if not len(self.places("train", dataset)):
                raise JobError(
                    f"stage {name} learns from {dataset} data, of which no clip to train on can be used: none can be "
                    "decoded and has a subtitle, or a stream that the model takes in; repair the clips or give more"
                )

    def order(self, stage: StageSection, seed: int) -> SampleOrder:
        """Return the order in which a stage learns the training samples."""
        places = {str(name): self.places("train", name) for name in stage.data}
        shares = {str(name): share for name, share in stage.data.items()}
        return SampleOrder(places, self.lengths, shares, stage.batch_size, seed)

    def held_out(self, stage: StageSection) -> Indices:
        """Say where the samples are by which a stage is validated: those of the data set with its largest share."""
        return self.places("validation", max(sorted(stage.data), key=lambda name: stage.data[name]))

    def sha256(self, stage: StageSection) -> str:
        """Tell the samples of a stage apart from any others: hash of their ids, clips, tokens and weights, in order."""
        trained = [self.places("train", name) for name in sorted(stage.data)]
        rows = self.rows.take(np.concatenate([*trained, self.held_out(stage)]))
        digest = hashlib.sha256()
        for column in ("sample_id", "clip_key", "part"):
            digest.update("\n".join(rows[column].to_pylist()).encode())
        for column in ("length", "answer_start"):
            digest.update(rows[column].to_numpy().astype("<i4").tobytes())
        digest.update(rows["input_ids"].combine_chunks().flatten().to_numpy().astype("<i4").tobytes())
        digest.update(rows["loss_weight"].to_numpy().astype("<f4").tobytes())
        digest.update(rows["token_weights"].combine_chunks().flatten().to_numpy().astype("<f4").tobytes())
        return digest.hexdigest()


def steps_of(stage: StageSection, order: SampleOrder) -> int:
    """How many steps a stage has."""
    if stage.steps is not None:
        return stage.steps
    assert stage.epochs is not None
    return max(1, math.ceil(stage.epochs * order.steps_per_epoch))


@dataclass(frozen=True)
class StageJob:
    """What the workers of a stage are told.

    Attributes:
        name: of the stage.
        recipe: all settings.
        output: URI of the run's output, where metrics go.
        start: URI of the model that the stage begins with.
        samples: URI of the table of samples.
        clips: URI of the table of their clips.
        preparation: how clips are decoded and where their features are.
        digests: of the fingerprint of each sense's features.
        samples_sha256: of the samples, and so of their order.
    """

    name: str
    recipe: Recipe
    output: str
    start: str
    samples: str
    clips: str
    preparation: PreparationSettings
    digests: Mapping[Sense, str]
    samples_sha256: str

    @property
    def stage(self) -> StageSection:
        """The settings of the stage."""
        return self.recipe.stages.by_name()[self.name]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a stage ended: done, or by itself for a reason that trying again would not mend.

    ``first_step_at`` is the time, in seconds since 1970, at which its first step was done, or None if it took none.
    """

    kind: Literal["done", "not finite", "not enough memory"]
    message: str = ""
    first_step_at: float | None = None
